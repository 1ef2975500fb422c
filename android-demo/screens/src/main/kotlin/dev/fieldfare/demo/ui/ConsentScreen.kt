package dev.fieldfare.demo.ui

import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.Row
import androidx.compose.foundation.layout.fillMaxSize
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.layout.heightIn
import androidx.compose.foundation.layout.padding
import androidx.compose.foundation.layout.size
import androidx.compose.foundation.rememberScrollState
import androidx.compose.foundation.verticalScroll
import androidx.compose.material3.AlertDialog
import androidx.compose.material3.Icon
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.OutlinedButton
import androidx.compose.material3.Switch
import androidx.compose.material3.Text
import androidx.compose.material3.TextButton
import androidx.compose.runtime.Composable
import androidx.compose.runtime.collectAsState
import androidx.compose.runtime.getValue
import androidx.compose.ui.Alignment
import androidx.compose.ui.Modifier
import androidx.compose.ui.platform.testTag
import androidx.compose.ui.text.font.FontFamily
import androidx.compose.ui.unit.dp
import androidx.compose.ui.unit.sp
import dev.fieldfare.demo.ConsentPresenter
import dev.fieldfare.demo.LedgerRow
import dev.fieldfare.demo.PurposeRow

/** One switch for each use of location, and the ledger of what was decided. */
@Composable
fun ConsentScreen(presenter: ConsentPresenter) {
    val state by presenter.state.collectAsState()
    Column(Modifier.fillMaxSize().verticalScroll(rememberScrollState())) {
        ScreenTitle("Privacy", "You decide what your position is used for, and may change your mind.")
        Column(Modifier.padding(horizontal = 16.dp), verticalArrangement = Arrangement.spacedBy(10.dp)) {
            state.warning?.let { Problem(it) }
            state.problem?.let { Problem(it) }
            AlwaysPanel()
            for (row in state.purposes) {
                PurposePanel(row, presenter)
            }
            OutlinedButton(onClick = presenter::export, modifier = Modifier.fillMaxWidth().testTag("export")) {
                Text("Show everything this phone holds about me")
            }
            Ledger(state.ledger)
        }
    }
    state.export?.let { Export(it, presenter::closeExport) }
}

@Composable
private fun AlwaysPanel() {
    Notice(
        Icons.Pin,
        "Leads near you need your position while you look. It is used and forgotten, and never leaves the phone.",
        MaterialTheme.colorScheme.primaryContainer,
        MaterialTheme.colorScheme.onPrimaryContainer,
    )
}

@Composable
private fun PurposePanel(
    row: PurposeRow,
    presenter: ConsentPresenter,
) {
    Panel {
        Row(verticalAlignment = Alignment.CenterVertically) {
            Text(row.title, Modifier.weight(1f), style = MaterialTheme.typography.titleMedium)
            Switch(
                checked = row.isGranted,
                onCheckedChange = { presenter.decide(row.purpose, it) },
                modifier = Modifier.testTag("consent ${row.purpose}"),
            )
        }
        Muted(row.explanation)
    }
}

@Composable
private fun Ledger(rows: List<LedgerRow>) {
    if (rows.isEmpty()) return
    SectionTitle("What you decided")
    Panel(Modifier.padding(bottom = 16.dp)) {
        for (row in rows) {
            Row(Modifier.testTag("ledger"), verticalAlignment = Alignment.CenterVertically) {
                Text(row.text, Modifier.weight(1f), style = MaterialTheme.typography.bodyMedium)
                Muted(row.ago)
                if (row.isAcknowledged) {
                    Icon(
                        Icons.Check,
                        contentDescription = "The server knows",
                        modifier = Modifier.padding(start = 6.dp).size(16.dp),
                        tint = MaterialTheme.colorScheme.primary,
                    )
                }
            }
        }
    }
}

@Composable
private fun Export(
    json: String,
    onClose: () -> Unit,
) {
    AlertDialog(
        onDismissRequest = onClose,
        confirmButton = {
            TextButton(
                onClick = onClose,
                modifier = Modifier.testTag("close export"),
            ) { Text("Close") }
        },
        title = { Text("Everything about you") },
        text = {
            Text(
                json,
                Modifier.heightIn(max = 420.dp).verticalScroll(rememberScrollState()).testTag("exported"),
                fontFamily = FontFamily.Monospace,
                fontSize = 11.sp,
            )
        },
    )
}
