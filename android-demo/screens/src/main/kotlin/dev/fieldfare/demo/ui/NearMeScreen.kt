package dev.fieldfare.demo.ui

import androidx.compose.foundation.horizontalScroll
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
import androidx.compose.foundation.lazy.rememberLazyListState
import androidx.compose.foundation.rememberScrollState
import androidx.compose.foundation.shape.RoundedCornerShape
import androidx.compose.foundation.text.BasicTextField
import androidx.compose.material3.FilterChip
import androidx.compose.material3.FilterChipDefaults
import androidx.compose.material3.HorizontalDivider
import androidx.compose.material3.Icon
import androidx.compose.material3.IconButton
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.Surface
import androidx.compose.material3.Text
import androidx.compose.material3.TextButton
import androidx.compose.runtime.Composable
import androidx.compose.runtime.LaunchedEffect
import androidx.compose.runtime.collectAsState
import androidx.compose.runtime.getValue
import androidx.compose.ui.Alignment
import androidx.compose.ui.Modifier
import androidx.compose.ui.graphics.SolidColor
import androidx.compose.ui.platform.testTag
import androidx.compose.ui.unit.dp
import dev.fieldfare.LeadId
import dev.fieldfare.LeadStatus
import dev.fieldfare.demo.LeadRow
import dev.fieldfare.demo.NearMePresenter
import dev.fieldfare.demo.NearMeState
import dev.fieldfare.demo.distanceText
import dev.fieldfare.demo.statusText

/** How much of the map the search covers. */
private val BAR = 112.dp

/** The map and the list of leads near the rep. */
@Composable
fun NearMeScreen(
    presenter: NearMePresenter,
    onOpen: (LeadId) -> Unit,
) {
    val state by presenter.state.collectAsState()
    Column(Modifier.fillMaxSize()) {
        Box(Modifier.weight(1f).fillMaxWidth()) {
            val radius = state.wish.radiusM.toDouble()
            LeadMap(
                MapContent(here = state.here, radiusM = radius, pins = state.pins, selected = state.selected),
                onSelect = presenter::select,
                modifier = Modifier.fillMaxSize(),
                topInset = BAR,
            )
            Column(Modifier.padding(12.dp), verticalArrangement = Arrangement.spacedBy(6.dp)) {
                SearchField(state.wish.text, presenter::setText)
                StatusChips(state.wish.status, presenter::setStatus)
                state.alert?.let { Alert(it, onOpen, presenter::dismissAlert) }
            }
        }
        LeadList(state, presenter, onOpen, Modifier.weight(0.95f))
    }
}

@Composable
private fun SearchField(
    text: String,
    onText: (String) -> Unit,
) {
    Surface(shape = RoundedCornerShape(50), shadowElevation = 3.dp, color = MaterialTheme.colorScheme.surface) {
        Row(
            Modifier.fillMaxWidth().padding(start = 16.dp, end = 4.dp),
            verticalAlignment = Alignment.CenterVertically,
            horizontalArrangement = Arrangement.spacedBy(10.dp),
        ) {
            Icon(Icons.Search, contentDescription = null, tint = MaterialTheme.colorScheme.onSurfaceVariant)
            Box(Modifier.weight(1f).padding(vertical = 13.dp)) {
                if (text.isEmpty()) Muted("Search your leads")
                BasicTextField(
                    value = text,
                    onValueChange = onText,
                    singleLine = true,
                    textStyle = MaterialTheme.typography.bodyLarge.copy(color = MaterialTheme.colorScheme.onSurface),
                    cursorBrush = SolidColor(MaterialTheme.colorScheme.primary),
                    modifier = Modifier.fillMaxWidth().testTag("search"),
                )
            }
            if (text.isNotEmpty()) {
                IconButton(onClick = { onText("") }) { Icon(Icons.Close, contentDescription = "Clear the search") }
            }
        }
    }
}

private val OFFERED =
    listOf(LeadStatus.NEW, LeadStatus.OPEN, LeadStatus.CONTACTED, LeadStatus.QUALIFIED, LeadStatus.CUSTOMER)

@Composable
private fun StatusChips(
    chosen: LeadStatus?,
    onChoose: (LeadStatus?) -> Unit,
) {
    Row(Modifier.horizontalScroll(rememberScrollState()), horizontalArrangement = Arrangement.spacedBy(6.dp)) {
        for (status in OFFERED) {
            FilterChip(
                selected = status == chosen,
                onClick = { onChoose(status) },
                modifier = Modifier.testTag("status ${statusText(status)}"),
                label = { Text(statusText(status)) },
                leadingIcon = { Surface(Modifier.size(10.dp), RoundedCornerShape(50), statusColor(status)) {} },
                shape = RoundedCornerShape(50),
                colors = FilterChipDefaults.filterChipColors(containerColor = MaterialTheme.colorScheme.surface),
            )
        }
    }
}

@Composable
private fun Alert(
    row: LeadRow,
    onOpen: (LeadId) -> Unit,
    onDismiss: () -> Unit,
) {
    Surface(
        shape = MaterialTheme.shapes.medium,
        color = MaterialTheme.colorScheme.secondaryContainer,
        contentColor = MaterialTheme.colorScheme.onSecondaryContainer,
        shadowElevation = 3.dp,
        modifier = Modifier.testTag("alert"),
    ) {
        Row(
            Modifier.padding(start = 14.dp, end = 4.dp, top = 4.dp, bottom = 4.dp),
            verticalAlignment = Alignment.CenterVertically,
            horizontalArrangement = Arrangement.spacedBy(10.dp),
        ) {
            Icon(Icons.Bell, contentDescription = null)
            Column(Modifier.weight(1f)) {
                Text(row.name, style = MaterialTheme.typography.labelLarge, maxLines = 1)
                Text("${row.distance} from here", style = MaterialTheme.typography.bodySmall)
            }
            TextButton(onClick = { onOpen(row.id) }) { Text("Look") }
            IconButton(onClick = onDismiss) { Icon(Icons.Close, contentDescription = "Dismiss the alert") }
        }
    }
}

@Composable
private fun LeadList(
    state: NearMeState,
    presenter: NearMePresenter,
    onOpen: (LeadId) -> Unit,
    modifier: Modifier,
) {
    val list = rememberLazyListState()
    LaunchedEffect(state.selected) {
        val at = state.rows.indexOfFirst { it.id == state.selected }
        if (at >= 0) list.animateScrollToItem(at)
    }
    Surface(modifier.fillMaxWidth(), color = MaterialTheme.colorScheme.surface, shadowElevation = 6.dp) {
        Column {
            Row(
                Modifier.fillMaxWidth().padding(start = 20.dp, end = 12.dp, top = 4.dp, bottom = 4.dp),
                verticalAlignment = Alignment.CenterVertically,
            ) {
                Text(
                    state.headline,
                    Modifier.weight(1f).testTag("headline"),
                    style = MaterialTheme.typography.titleMedium,
                )
                RadiusButton(state.wish.radiusM, presenter::setRadius)
            }
            HorizontalDivider(color = MaterialTheme.colorScheme.outlineVariant)
            LazyColumn(state = list, modifier = Modifier.fillMaxSize().testTag("leads")) {
                items(state.rows, key = { it.id }) { row ->
                    LeadItem(row, isSelected = row.id == state.selected, onClick = { onOpen(row.id) })
                    HorizontalDivider(Modifier.padding(start = 76.dp), color = MaterialTheme.colorScheme.outlineVariant)
                }
            }
        }
    }
}

/** Goes through the radii, one tap each. */
@Composable
private fun RadiusButton(
    radius: Int,
    onRadius: (Int) -> Unit,
) {
    val radii = NearMePresenter.RADII
    val next = radii[(radii.indexOf(radius) + 1) % radii.size]
    TextButton(onClick = { onRadius(next) }, modifier = Modifier.testTag("radius")) {
        Text(distanceText(radius.toDouble()))
    }
}
