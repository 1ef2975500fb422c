package dev.fieldfare.demo.ui

import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.ExperimentalLayoutApi
import androidx.compose.foundation.layout.FlowRow
import androidx.compose.foundation.layout.fillMaxSize
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.layout.padding
import androidx.compose.foundation.rememberScrollState
import androidx.compose.foundation.verticalScroll
import androidx.compose.material3.Button
import androidx.compose.material3.FilterChip
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.OutlinedTextField
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.runtime.LaunchedEffect
import androidx.compose.runtime.collectAsState
import androidx.compose.runtime.getValue
import androidx.compose.ui.Modifier
import androidx.compose.ui.platform.testTag
import androidx.compose.ui.unit.dp
import dev.fieldfare.VisitOutcome
import dev.fieldfare.demo.FollowUp
import dev.fieldfare.demo.VisitFormPresenter
import dev.fieldfare.demo.VisitFormState
import dev.fieldfare.demo.outcomeText
import dev.fieldfare.demo.statusText

/** The visit form. Closes itself when the visit is safe on the phone. */
@Composable
fun VisitSheet(
    presenter: VisitFormPresenter,
    onClose: () -> Unit,
) {
    val state by presenter.state.collectAsState()
    LaunchedEffect(state.isSaved) { if (state.isSaved) onClose() }
    Column(Modifier.fillMaxSize()) {
        SheetBar("Visit", onClose)
        Column(
            Modifier.weight(1f).verticalScroll(rememberScrollState()).padding(horizontal = 16.dp),
            verticalArrangement = Arrangement.spacedBy(8.dp),
        ) {
            Column(Modifier.padding(horizontal = 4.dp)) {
                Text(state.name, style = MaterialTheme.typography.titleLarge)
                Muted(state.address)
            }
            state.problem?.let { Problem(it) }
            Form(state, presenter)
        }
        Button(
            onClick = presenter::save,
            enabled = state.canSave,
            modifier = Modifier.fillMaxWidth().padding(16.dp).testTag("save visit"),
        ) { Text("Save visit") }
    }
}

@Composable
private fun Form(
    state: VisitFormState,
    presenter: VisitFormPresenter,
) {
    Choice("How did it go?", VisitOutcome.entries, state.outcome, ::outcomeText, presenter::setOutcome)
    OutlinedTextField(
        value = state.note,
        onValueChange = presenter::setNote,
        label = { Text("Note") },
        minLines = 3,
        modifier = Modifier.fillMaxWidth().testTag("note"),
    )
    Choice("Come back?", FollowUp.entries, state.followUp, FollowUp::text, presenter::setFollowUp)
    if (state.statuses.isNotEmpty()) {
        Choice("Move the lead to", state.statuses, state.status, ::statusText, presenter::setStatus)
    }
    Muted("Saved on the phone at once; sent when there is a connection.", Modifier.padding(horizontal = 4.dp))
}

@OptIn(ExperimentalLayoutApi::class)
@Composable
private fun <T> Choice(
    title: String,
    values: List<T>,
    chosen: T?,
    text: (T) -> String,
    onChoose: (T) -> Unit,
) {
    SectionTitle(title)
    FlowRow(horizontalArrangement = Arrangement.spacedBy(8.dp)) {
        for (value in values) {
            FilterChip(selected = value == chosen, onClick = { onChoose(value) }, label = { Text(text(value)) })
        }
    }
}
