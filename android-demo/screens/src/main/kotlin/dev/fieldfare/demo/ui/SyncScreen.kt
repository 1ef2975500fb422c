package dev.fieldfare.demo.ui

import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.PaddingValues
import androidx.compose.foundation.layout.Row
import androidx.compose.foundation.layout.fillMaxSize
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.layout.padding
import androidx.compose.foundation.layout.size
import androidx.compose.foundation.lazy.LazyColumn
import androidx.compose.foundation.lazy.LazyListScope
import androidx.compose.foundation.lazy.items
import androidx.compose.material3.Button
import androidx.compose.material3.Icon
import androidx.compose.material3.LinearProgressIndicator
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.OutlinedButton
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.runtime.collectAsState
import androidx.compose.runtime.getValue
import androidx.compose.ui.Alignment
import androidx.compose.ui.Modifier
import androidx.compose.ui.platform.testTag
import androidx.compose.ui.unit.dp
import dev.fieldfare.demo.ChangeRow
import dev.fieldfare.demo.ConflictRow
import dev.fieldfare.demo.RefusedRow
import dev.fieldfare.demo.SyncPresenter
import dev.fieldfare.demo.SyncScreenState

/** Sync: how it goes, what waits, what was refused and what lost a merge. */
@Composable
fun SyncScreen(presenter: SyncPresenter) {
    val state by presenter.state.collectAsState()
    Column(Modifier.fillMaxSize()) {
        ScreenTitle("Sync", "${state.leads} leads on this phone")
        LazyColumn(
            Modifier.fillMaxSize().testTag("sync"),
            contentPadding = PaddingValues(start = 16.dp, end = 16.dp, bottom = 16.dp),
            verticalArrangement = Arrangement.spacedBy(10.dp),
        ) {
            item { StatePanel(state, presenter) }
            refused(state.refused, presenter)
            pending(state.pending)
            conflicts(state.conflicts)
        }
    }
}

@Composable
private fun StatePanel(
    state: SyncScreenState,
    presenter: SyncPresenter,
) {
    Panel {
        Row(verticalAlignment = Alignment.CenterVertically, horizontalArrangement = Arrangement.spacedBy(14.dp)) {
            Icon(Icons.Sync, contentDescription = null, Modifier.size(28.dp), tint = MaterialTheme.colorScheme.primary)
            Column(Modifier.weight(1f)) {
                Text(state.headline, Modifier.testTag("sync headline"), style = MaterialTheme.typography.titleMedium)
                Muted(state.detail)
            }
            Button(onClick = presenter::syncNow, enabled = !state.isRunning, modifier = Modifier.testTag("sync now")) {
                Text("Sync now")
            }
        }
        if (state.isRunning) LinearProgressIndicator(Modifier.fillMaxWidth().padding(top = 6.dp))
        state.problem?.let { Problem(it) }
    }
}

private fun LazyListScope.refused(
    rows: List<RefusedRow>,
    presenter: SyncPresenter,
) {
    if (rows.isEmpty()) return
    item { SectionTitle("Refused by the server") }
    items(rows, key = { "refused ${it.change.id}" }) { row ->
        Panel(Modifier.testTag("refused"), color = MaterialTheme.colorScheme.errorContainer) {
            Change(row.change)
            Row(horizontalArrangement = Arrangement.spacedBy(8.dp), verticalAlignment = Alignment.CenterVertically) {
                Icon(Icons.Warning, contentDescription = null, Modifier.size(18.dp))
                Text(row.reason, style = MaterialTheme.typography.bodyMedium)
            }
            Row(horizontalArrangement = Arrangement.spacedBy(8.dp), modifier = Modifier.padding(top = 4.dp)) {
                OutlinedButton(onClick = { presenter.discard(row.change.id) }) { Text("Put away") }
                if (row.canRetry) Button(onClick = { presenter.retry(row.change.id) }) { Text("Try again") }
            }
        }
    }
}

private fun LazyListScope.pending(rows: List<ChangeRow>) {
    item { SectionTitle(if (rows.isEmpty()) "Nothing waits to be sent" else "Waiting to be sent") }
    items(rows, key = { "pending ${it.id}" }) { row -> Panel(Modifier.testTag("pending")) { Change(row) } }
}

private fun LazyListScope.conflicts(rows: List<ConflictRow>) {
    if (rows.isEmpty()) return
    item { SectionTitle("Changed by two people") }
    items(rows) { row ->
        Panel(Modifier.testTag("conflict")) {
            Text(row.title, style = MaterialTheme.typography.titleMedium)
            Text("Kept: ${row.kept}", style = MaterialTheme.typography.bodyMedium)
            Muted("Not kept: ${row.lost}")
        }
    }
}

@Composable
private fun Change(row: ChangeRow) {
    Text(row.title, style = MaterialTheme.typography.titleMedium)
    for (field in row.fields) {
        Text(field, style = MaterialTheme.typography.bodyMedium)
    }
}
