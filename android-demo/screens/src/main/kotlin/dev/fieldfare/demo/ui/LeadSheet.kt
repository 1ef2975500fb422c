package dev.fieldfare.demo.ui

import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.Row
import androidx.compose.foundation.layout.fillMaxSize
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.layout.padding
import androidx.compose.foundation.layout.size
import androidx.compose.foundation.rememberScrollState
import androidx.compose.foundation.verticalScroll
import androidx.compose.material3.Button
import androidx.compose.material3.Icon
import androidx.compose.material3.IconButton
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.OutlinedButton
import androidx.compose.material3.OutlinedTextField
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.runtime.collectAsState
import androidx.compose.runtime.getValue
import androidx.compose.ui.Alignment
import androidx.compose.ui.Modifier
import androidx.compose.ui.graphics.vector.ImageVector
import androidx.compose.ui.platform.testTag
import androidx.compose.ui.unit.dp
import dev.fieldfare.LeadId
import dev.fieldfare.demo.LeadDetailsPresenter
import dev.fieldfare.demo.LeadDetailsState
import dev.fieldfare.demo.LeadRow
import dev.fieldfare.demo.VisitRow
import dev.fieldfare.demo.statusText

/** The bar over what covers a tab. */
@Composable
fun SheetBar(
    title: String,
    onClose: () -> Unit,
) {
    Row(Modifier.fillMaxWidth().padding(4.dp), verticalAlignment = Alignment.CenterVertically) {
        IconButton(
            onClick = onClose,
            modifier = Modifier.testTag("close"),
        ) { Icon(Icons.Close, contentDescription = "Close") }
        Text(title, style = MaterialTheme.typography.titleLarge)
    }
}

/** A lead's details. */
@Composable
fun LeadSheet(
    presenter: LeadDetailsPresenter,
    onVisit: (LeadId) -> Unit,
    onClose: () -> Unit,
) {
    val state by presenter.state.collectAsState()
    Column(Modifier.fillMaxSize()) {
        SheetBar("Lead", onClose)
        Column(
            Modifier.weight(1f).verticalScroll(rememberScrollState()).padding(horizontal = 16.dp),
            verticalArrangement = Arrangement.spacedBy(10.dp),
        ) {
            state.problem?.let { Problem(it) }
            state.row?.let { Head(it, state) }
            if (state.isEditing) Editor(state, presenter) else Contact(state, presenter)
            History(state.visits)
        }
        state.row?.let { row ->
            Button(
                onClick = { onVisit(row.id) },
                modifier = Modifier.fillMaxWidth().padding(16.dp).testTag("visit"),
            ) {
                Icon(Icons.Check, contentDescription = null, modifier = Modifier.size(18.dp))
                Text("Record a visit", Modifier.padding(start = 8.dp))
            }
        }
    }
}

@Composable
private fun Head(
    row: LeadRow,
    state: LeadDetailsState,
) {
    Row(
        Modifier.padding(horizontal = 4.dp),
        horizontalArrangement = Arrangement.spacedBy(14.dp),
        verticalAlignment = Alignment.CenterVertically,
    ) {
        Initial(row.name, row.status)
        Column(Modifier.weight(1f)) {
            Text(row.name, style = MaterialTheme.typography.titleLarge)
            Muted(row.address)
        }
    }
    Row(Modifier.padding(horizontal = 4.dp), horizontalArrangement = Arrangement.spacedBy(6.dp)) {
        Pill(statusText(row.status), statusColor(row.status))
        row.tier?.let { Pill("Tier $it", MaterialTheme.colorScheme.secondary) }
        if (row.distance.isNotEmpty()) Pill(row.distance, MaterialTheme.colorScheme.tertiary)
        state.precision?.let { Pill(it, MaterialTheme.colorScheme.outline) }
        if (row.isPending) Pill("Not sent yet", MaterialTheme.colorScheme.secondary)
    }
}

@Composable
private fun Contact(
    state: LeadDetailsState,
    presenter: LeadDetailsPresenter,
) {
    Panel {
        Line(Icons.Phone, state.phone)
        Line(Icons.Mail, state.email)
        Line(Icons.Clock, state.hours)
        Line(Icons.Note, state.notes)
        OutlinedButton(onClick = presenter::edit, modifier = Modifier.testTag("edit")) {
            Icon(Icons.Edit, contentDescription = null, modifier = Modifier.size(16.dp))
            Text("Edit", Modifier.padding(start = 8.dp))
        }
    }
}

@Composable
private fun Line(
    icon: ImageVector,
    text: String?,
) {
    if (text.isNullOrBlank()) return
    Row(horizontalArrangement = Arrangement.spacedBy(14.dp), modifier = Modifier.padding(vertical = 5.dp)) {
        Icon(
            icon,
            contentDescription = null,
            tint = MaterialTheme.colorScheme.onSurfaceVariant,
            modifier = Modifier.size(20.dp),
        )
        Text(text, style = MaterialTheme.typography.bodyLarge)
    }
}

@Composable
private fun Editor(
    state: LeadDetailsState,
    presenter: LeadDetailsPresenter,
) {
    Panel {
        OutlinedTextField(
            value = state.draftPhone,
            onValueChange = { presenter.draft(phone = it) },
            label = { Text("Telephone") },
            singleLine = true,
            modifier = Modifier.fillMaxWidth().testTag("edit phone"),
        )
        OutlinedTextField(
            value = state.draftNotes,
            onValueChange = { presenter.draft(notes = it) },
            label = { Text("Notes") },
            minLines = 2,
            modifier = Modifier.fillMaxWidth().testTag("edit notes"),
        )
        Row(horizontalArrangement = Arrangement.spacedBy(8.dp), modifier = Modifier.padding(top = 6.dp)) {
            Button(onClick = presenter::saveEdit, modifier = Modifier.testTag("save edit")) { Text("Save") }
            OutlinedButton(onClick = presenter::cancelEdit) { Text("Cancel") }
        }
    }
}

@Composable
private fun History(visits: List<VisitRow>) {
    if (visits.isEmpty()) return
    SectionTitle("Visits")
    for (visit in visits) {
        Panel {
            Row(verticalAlignment = Alignment.CenterVertically) {
                Text(visit.outcome, Modifier.weight(1f), style = MaterialTheme.typography.titleMedium)
                Muted(visit.ago)
            }
            visit.note?.let { Text(it, style = MaterialTheme.typography.bodyMedium) }
            if (visit.isPending) Pill("Not sent yet", MaterialTheme.colorScheme.secondary)
        }
    }
}
