package dev.fieldfare.demo.ui

import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.Box
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.Row
import androidx.compose.foundation.layout.fillMaxSize
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.layout.padding
import androidx.compose.foundation.layout.size
import androidx.compose.material3.Button
import androidx.compose.material3.Icon
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.OutlinedButton
import androidx.compose.material3.Surface
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.ui.Alignment
import androidx.compose.ui.Modifier
import androidx.compose.ui.platform.testTag
import androidx.compose.ui.unit.dp
import dev.fieldfare.LeadId
import dev.fieldfare.demo.FollowState
import dev.fieldfare.demo.StopRow
import dev.fieldfare.demo.TodayPresenter
import dev.fieldfare.demo.TodayState

/** Following the day's route: where next, how far, when. */
@Composable
fun FollowScreen(
    state: TodayState,
    follow: FollowState,
    presenter: TodayPresenter,
    onVisit: (LeadId) -> Unit,
) {
    Column(Modifier.fillMaxSize()) {
        Guidance(follow)
        Box(Modifier.weight(1f).fillMaxWidth()) {
            LeadMap(
                MapContent(
                    here = state.here,
                    line = state.line,
                    isByRoad = follow.isByRoad,
                    stops = state.stops,
                ),
                onSelect = {},
                modifier = Modifier.fillMaxSize(),
            )
            Column(Modifier.padding(12.dp), verticalArrangement = Arrangement.spacedBy(8.dp)) {
                follow.warning?.let { Problem(it) }
                state.problem?.let { Problem(it) }
                follow.arrived?.let { Arrived(it, onVisit) }
            }
        }
        Controls(follow, presenter)
    }
}

@Composable
private fun Guidance(follow: FollowState) {
    Surface(
        Modifier.fillMaxWidth().testTag("guidance"),
        color = MaterialTheme.colorScheme.primary,
        contentColor = MaterialTheme.colorScheme.onPrimary,
    ) {
        Row(
            Modifier.padding(20.dp),
            horizontalArrangement = Arrangement.spacedBy(16.dp),
            verticalAlignment = Alignment.CenterVertically,
        ) {
            Icon(if (follow.isOver) Icons.Check else Icons.Navigate, contentDescription = null, Modifier.size(36.dp))
            Column(Modifier.weight(1f)) {
                val title = if (follow.isOver) "Done for today" else follow.stop?.name ?: "On the way home"
                Text(title, style = MaterialTheme.typography.titleLarge, maxLines = 1)
                val line = follow.instruction ?: follow.stop?.address.orEmpty()
                Text(line, style = MaterialTheme.typography.bodyMedium, maxLines = 2)
            }
            Column(horizontalAlignment = Alignment.End) {
                Text(follow.distance, style = MaterialTheme.typography.titleLarge)
                Text(follow.eta, style = MaterialTheme.typography.bodyMedium)
            }
        }
    }
}

@Composable
private fun Arrived(
    stop: StopRow,
    onVisit: (LeadId) -> Unit,
) {
    Surface(
        shape = MaterialTheme.shapes.medium,
        color = MaterialTheme.colorScheme.primaryContainer,
        contentColor = MaterialTheme.colorScheme.onPrimaryContainer,
        shadowElevation = 3.dp,
        modifier = Modifier.testTag("arrived"),
    ) {
        Row(
            Modifier.padding(start = 16.dp, end = 8.dp, top = 8.dp, bottom = 8.dp),
            verticalAlignment = Alignment.CenterVertically,
        ) {
            Column(Modifier.weight(1f)) {
                Text("You are there", style = MaterialTheme.typography.labelLarge)
                Text(stop.name, style = MaterialTheme.typography.bodyMedium, maxLines = 1)
            }
            Button(onClick = { onVisit(stop.lead) }) { Text("Record visit") }
        }
    }
}

@Composable
private fun Controls(
    follow: FollowState,
    presenter: TodayPresenter,
) {
    Surface(Modifier.fillMaxWidth(), color = MaterialTheme.colorScheme.surface, shadowElevation = 6.dp) {
        Row(
            Modifier.padding(horizontal = 20.dp, vertical = 12.dp),
            horizontalArrangement = Arrangement.spacedBy(8.dp),
            verticalAlignment = Alignment.CenterVertically,
        ) {
            Column(Modifier.weight(1f)) {
                Text(follow.left, style = MaterialTheme.typography.titleMedium)
                Muted(if (follow.isByRoad) "By road" else "As the crow flies: no road route here yet")
            }
            OutlinedButton(
                onClick = presenter::skip,
                enabled = follow.stop != null,
                modifier = Modifier.testTag("skip"),
            ) {
                Text("Skip")
            }
            Button(onClick = presenter::stopFollowing, modifier = Modifier.testTag("end")) { Text("End") }
        }
    }
}
