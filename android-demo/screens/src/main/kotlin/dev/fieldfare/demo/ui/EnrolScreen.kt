package dev.fieldfare.demo.ui

import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.fillMaxSize
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.layout.padding
import androidx.compose.foundation.layout.size
import androidx.compose.material3.Button
import androidx.compose.material3.Icon
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.OutlinedTextField
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.ui.Alignment
import androidx.compose.ui.Modifier
import androidx.compose.ui.platform.testTag
import androidx.compose.ui.text.style.TextAlign
import androidx.compose.ui.unit.dp
import dev.fieldfare.demo.EnrolPresenter
import dev.fieldfare.demo.EnrolState

/** The first screen: the one-time code the company gave out. */
@Composable
fun EnrolScreen(
    state: EnrolState,
    presenter: EnrolPresenter,
) {
    Column(
        Modifier.fillMaxSize().padding(28.dp),
        verticalArrangement = Arrangement.spacedBy(16.dp, Alignment.CenterVertically),
        horizontalAlignment = Alignment.CenterHorizontally,
    ) {
        Icon(Icons.Pin, contentDescription = null, Modifier.size(64.dp), tint = MaterialTheme.colorScheme.primary)
        Text("Fieldfare", style = MaterialTheme.typography.headlineSmall)
        Text(
            "Your company gave you a code. It works once and makes this phone yours.",
            textAlign = TextAlign.Center,
            color = MaterialTheme.colorScheme.onSurfaceVariant,
        )
        OutlinedTextField(
            value = state.code,
            onValueChange = presenter::setCode,
            label = { Text("Code") },
            singleLine = true,
            modifier = Modifier.fillMaxWidth().testTag("code"),
        )
        Button(
            onClick = presenter::enrol,
            enabled = state.code.isNotEmpty() && !state.isWorking,
            modifier = Modifier.fillMaxWidth().testTag("enrol"),
        ) { Text(if (state.isWorking) "One moment" else "Begin") }
        state.problem?.let { Problem(it) }
    }
}
