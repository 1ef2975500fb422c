package dev.fieldfare.demo.ui

import androidx.compose.foundation.clickable
import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.Box
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.Row
import androidx.compose.foundation.layout.fillMaxSize
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.layout.padding
import androidx.compose.foundation.layout.size
import androidx.compose.foundation.lazy.LazyColumn
import androidx.compose.foundation.lazy.items
import androidx.compose.foundation.shape.CircleShape
import androidx.compose.material3.Button
import androidx.compose.material3.HorizontalDivider
import androidx.compose.material3.Icon
import androidx.compose.material3.IconButton
import androidx.compose.material3.LinearProgressIndicator
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.OutlinedButton
import androidx.compose.material3.Surface
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.runtime.collectAsState
import androidx.compose.runtime.getValue
import androidx.compose.ui.Alignment
import androidx.compose.ui.Modifier
import androidx.compose.ui.platform.testTag
import androidx.compose.ui.text.font.FontWeight
import androidx.compose.ui.text.style.TextAlign
import androidx.compose.ui.text.style.TextOverflow
import androidx.compose.ui.unit.dp
import dev.fieldfare.LeadId
import dev.fieldfare.demo.OnTheWay
import dev.fieldfare.demo.StopRow
import dev.fieldfare.demo.TodayPresenter
import dev.fieldfare.demo.TodayState
import dev.fieldfare.demo.durationText

/** Today's route, or following it. */
@Composable
fun TodayScreen(
    presenter: TodayPresenter,
    onOpen: (LeadId) -> Unit,
    onVisit: (LeadId) -> Unit,
) {
    val state by presenter.state.collectAsState()
    val follow = state.follow
    when {
        follow != null -> FollowScreen(state, follow, presenter, onVisit)
        state.isPlanned -> Planned(state, presenter, onOpen)
        else -> NotPlanned(state, presenter)
    }
}

@Composable
private fun NotPlanned(
    state: TodayState,
    presenter: TodayPresenter,
) {
    Column(
        Modifier.fillMaxSize().padding(32.dp),
        verticalArrangement = Arrangement.spacedBy(16.dp, Alignment.CenterVertically),
        horizontalAlignment = Alignment.CenterHorizontally,
    ) {
        Icon(Icons.Route, contentDescription = null, Modifier.size(56.dp), tint = MaterialTheme.colorScheme.primary)
        Text("No route for today yet", style = MaterialTheme.typography.titleLarge)
        Text(
            "The phone plans it by itself, from the leads whose visit is due. It needs no connection.",
            textAlign = TextAlign.Center,
            color = MaterialTheme.colorScheme.onSurfaceVariant,
        )
        Button(
            onClick = presenter::plan,
            enabled = state.isKnown && !state.isWorking,
            modifier = Modifier.testTag("plan"),
        ) {
            Text(if (state.isWorking) "Planning" else "Plan my day")
        }
        state.problem?.let { Problem(it) }
    }
}

@Composable
private fun Planned(
    state: TodayState,
    presenter: TodayPresenter,
    onOpen: (LeadId) -> Unit,
) {
    Column(Modifier.fillMaxSize()) {
        Box(Modifier.weight(0.8f).fillMaxWidth()) {
            LeadMap(
                MapContent(here = state.here, line = state.line, stops = state.stops),
                onSelect = { lead -> lead?.let(onOpen) },
                modifier = Modifier.fillMaxSize(),
                fit = state.line + state.stops.map { it.position },
            )
        }
        Surface(
            Modifier.weight(1.1f).fillMaxWidth(),
            color = MaterialTheme.colorScheme.surface,
            shadowElevation = 6.dp,
        ) {
            Column {
                Header(state, presenter)
                HorizontalDivider(color = MaterialTheme.colorScheme.outlineVariant)
                StopList(state, presenter, onOpen)
            }
        }
    }
}

@Composable
private fun Header(
    state: TodayState,
    presenter: TodayPresenter,
) {
    Column(Modifier.padding(horizontal = 20.dp, vertical = 12.dp), verticalArrangement = Arrangement.spacedBy(8.dp)) {
        Text(state.summary, Modifier.testTag("summary"), style = MaterialTheme.typography.titleMedium)
        if (state.note.isNotEmpty()) Muted(state.note)
        if (state.isWorking) LinearProgressIndicator(Modifier.fillMaxWidth())
        state.problem?.let { Problem(it) }
        Row(horizontalArrangement = Arrangement.spacedBy(8.dp)) {
            Button(
                onClick = presenter::follow,
                enabled = state.stops.isNotEmpty(),
                modifier = Modifier.testTag("follow"),
            ) {
                Icon(Icons.Navigate, contentDescription = null, Modifier.size(18.dp))
                Text("Start", Modifier.padding(start = 8.dp))
            }
            OutlinedButton(onClick = presenter::replan, modifier = Modifier.testTag("replan")) { Text("Replan") }
            OutlinedButton(
                onClick = presenter::findOnTheWay,
                modifier = Modifier.testTag("on the way"),
            ) { Text("Fit in") }
        }
    }
}

@Composable
private fun StopList(
    state: TodayState,
    presenter: TodayPresenter,
    onOpen: (LeadId) -> Unit,
) {
    LazyColumn(Modifier.fillMaxSize().testTag("stops")) {
        items(state.onTheWay, key = { "way ${it.lead}" }) { OnTheWayItem(it, presenter::add) }
        items(state.stops, key = { it.lead }) { stop ->
            StopItem(stop, onOpen, presenter::cancel)
            HorizontalDivider(Modifier.padding(start = 72.dp), color = MaterialTheme.colorScheme.outlineVariant)
        }
        if (state.leftOut.isNotEmpty()) {
            item { SectionTitle("Does not fit today", Modifier.padding(start = 16.dp)) }
            items(state.leftOut, key = { "out ${it.lead}" }) { out ->
                Column(Modifier.fillMaxWidth().padding(horizontal = 20.dp, vertical = 8.dp)) {
                    Text(out.name, style = MaterialTheme.typography.bodyLarge)
                    Muted(out.reason)
                }
            }
        }
    }
}

@Composable
private fun StopItem(
    stop: StopRow,
    onOpen: (LeadId) -> Unit,
    onCancel: (LeadId) -> Unit,
) {
    Row(
        Modifier
            .fillMaxWidth()
            .clickable { onOpen(stop.lead) }
            .testTag("stop")
            .padding(start = 20.dp, end = 6.dp, top = 8.dp, bottom = 8.dp),
        verticalAlignment = Alignment.CenterVertically,
        horizontalArrangement = Arrangement.spacedBy(14.dp),
    ) {
        val scheme = MaterialTheme.colorScheme
        val color = if (stop.isNext) scheme.tertiary else scheme.tertiaryContainer
        val ink = if (stop.isNext) scheme.onTertiary else scheme.onTertiaryContainer
        Surface(Modifier.size(36.dp), CircleShape, color, ink) {
            Box(contentAlignment = Alignment.Center) { Text(stop.number.toString(), fontWeight = FontWeight.Bold) }
        }
        Column(Modifier.weight(1f)) {
            Text(stop.name, fontWeight = FontWeight.Medium, maxLines = 1, overflow = TextOverflow.Ellipsis)
            Text(
                stop.address,
                style = MaterialTheme.typography.bodySmall,
                color = MaterialTheme.colorScheme.onSurfaceVariant,
                maxLines = 1,
                overflow = TextOverflow.Ellipsis,
            )
        }
        Column(horizontalAlignment = Alignment.End) {
            Text(stop.arrival, style = MaterialTheme.typography.labelLarge)
            Text(
                stop.way,
                style = MaterialTheme.typography.bodySmall,
                color = MaterialTheme.colorScheme.onSurfaceVariant,
            )
        }
        IconButton(onClick = { onCancel(stop.lead) }) {
            Icon(
                Icons.Close,
                "Not today: ${stop.name}",
                Modifier.size(18.dp),
                MaterialTheme.colorScheme.onSurfaceVariant,
            )
        }
    }
}

@Composable
private fun OnTheWayItem(
    found: OnTheWay,
    onAdd: (LeadId) -> Unit,
) {
    Surface(
        color = MaterialTheme.colorScheme.secondaryContainer,
        contentColor = MaterialTheme.colorScheme.onSecondaryContainer,
    ) {
        Row(
            Modifier.fillMaxWidth().padding(start = 20.dp, end = 6.dp, top = 6.dp, bottom = 6.dp).testTag("fits in"),
            verticalAlignment = Alignment.CenterVertically,
        ) {
            Column(Modifier.weight(1f)) {
                Text(found.name, fontWeight = FontWeight.Medium, maxLines = 1)
                Text("Fits in: ${durationText(found.detour)} more driving", style = MaterialTheme.typography.bodySmall)
            }
            IconButton(onClick = { onAdd(found.lead) }) { Icon(Icons.Add, contentDescription = "Add ${found.name}") }
        }
    }
}
