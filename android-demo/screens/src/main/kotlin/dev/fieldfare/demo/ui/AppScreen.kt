package dev.fieldfare.demo.ui

import androidx.compose.foundation.layout.Box
import androidx.compose.foundation.layout.fillMaxSize
import androidx.compose.foundation.layout.padding
import androidx.compose.material3.Badge
import androidx.compose.material3.BadgedBox
import androidx.compose.material3.Icon
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.NavigationBar
import androidx.compose.material3.NavigationBarItem
import androidx.compose.material3.Scaffold
import androidx.compose.material3.Surface
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.runtime.collectAsState
import androidx.compose.runtime.getValue
import androidx.compose.ui.Modifier
import androidx.compose.ui.graphics.vector.ImageVector
import androidx.compose.ui.platform.testTag
import dev.fieldfare.demo.DemoApp
import dev.fieldfare.demo.Sheet
import dev.fieldfare.demo.Tab

/** The whole app. */
@Composable
fun AppScreen(app: DemoApp) {
    val enrol by app.enrol.state.collectAsState()
    Surface(Modifier.fillMaxSize(), color = MaterialTheme.colorScheme.background) {
        when {
            !enrol.isKnown -> Unit
            enrol.isEnrolled -> Main(app)
            else -> EnrolScreen(enrol, app.enrol)
        }
    }
}

@Composable
private fun Main(app: DemoApp) {
    val place by app.place.collectAsState()
    val sync by app.sync.state.collectAsState()
    Scaffold(
        containerColor = MaterialTheme.colorScheme.background,
        bottomBar = {
            if (place.sheet == null) {
                NavigationBar(containerColor = MaterialTheme.colorScheme.surface) {
                    for (tab in Tab.entries) {
                        NavigationBarItem(
                            selected = tab == place.tab,
                            onClick = { app.open(tab) },
                            icon = { TabIcon(tab, if (tab == Tab.SYNC) sync.badge else 0) },
                            label = { Text(tab.text) },
                            modifier = Modifier.testTag("tab ${tab.text}"),
                        )
                    }
                }
            }
        },
    ) { inner ->
        Box(Modifier.padding(inner)) {
            when (place.sheet) {
                is Sheet.Details -> LeadSheet(app.details, app::openVisit, app::closeSheet)
                is Sheet.Visit -> VisitSheet(app.visit, app::closeSheet)
                null -> TabScreen(app, place.tab)
            }
        }
    }
}

@Composable
private fun TabScreen(
    app: DemoApp,
    tab: Tab,
) = when (tab) {
    Tab.NEAR_ME -> NearMeScreen(app.nearMe, app::openLead)
    Tab.TODAY -> TodayScreen(app.today, app::openLead, app::openVisit)
    Tab.SYNC -> SyncScreen(app.sync)
    Tab.PRIVACY -> ConsentScreen(app.consent)
}

@Composable
private fun TabIcon(
    tab: Tab,
    count: Int,
) {
    BadgedBox(badge = { if (count > 0) Badge { Text(count.toString()) } }) {
        Icon(iconOf(tab), contentDescription = null)
    }
}

private fun iconOf(tab: Tab): ImageVector =
    when (tab) {
        Tab.NEAR_ME -> Icons.Pin
        Tab.TODAY -> Icons.Route
        Tab.SYNC -> Icons.Sync
        Tab.PRIVACY -> Icons.Shield
    }
