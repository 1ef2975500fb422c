package dev.fieldfare.demo.desktop

import androidx.compose.foundation.isSystemInDarkTheme
import androidx.compose.runtime.Composable
import androidx.compose.runtime.LaunchedEffect
import androidx.compose.runtime.collectAsState
import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.remember
import androidx.compose.runtime.rememberCoroutineScope
import androidx.compose.runtime.setValue
import androidx.compose.ui.unit.DpSize
import androidx.compose.ui.unit.dp
import androidx.compose.ui.window.FrameWindowScope
import androidx.compose.ui.window.MenuBar
import androidx.compose.ui.window.Window
import androidx.compose.ui.window.WindowState
import androidx.compose.ui.window.application
import dev.fieldfare.demo.DemoApp
import dev.fieldfare.demo.ui.AppScreen
import dev.fieldfare.demo.ui.DemoTheme
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withContext

/** The demo in a window of a phone's size, on the real engine, against a server of its own. */
fun main() {
    println("Starting a server, a CRM and a phone")
    runBlocking { Stage.open().also { it.settle() } }.use { stage ->
        val app = stage.app()
        application(exitProcessOnExit = false) {
            Window(
                onCloseRequest = ::exitApplication,
                title = "Fieldfare",
                state = WindowState(size = DpSize(412.dp, 900.dp)),
            ) {
                DemoWindow(stage, app)
            }
        }
    }
}

@Composable
private fun FrameWindowScope.DemoWindow(
    stage: Stage,
    app: DemoApp,
) {
    val system = isSystemInDarkTheme()
    var isDark by remember { mutableStateOf(system) }
    LaunchedEffect(stage) { withContext(Dispatchers.Default) { stage.walk.run(WALK_SPEED) } }
    WorldMenu(stage, isDark) { isDark = !isDark }
    DemoTheme(isDark) { AppScreen(app) }
}

/** What happens around the phone. */
@Composable
private fun FrameWindowScope.WorldMenu(
    stage: Stage,
    isDark: Boolean,
    onDark: () -> Unit,
) {
    val scope = rememberCoroutineScope()
    val isWalking by stage.walk.isWalking.collectAsState()
    var isOnline by remember { mutableStateOf(true) }

    fun aside(block: suspend () -> Unit) {
        scope.launch(Dispatchers.IO) { block() }
    }
    MenuBar {
        Menu("World") {
            Item(if (isWalking) "Stand still" else "Walk on") { stage.walk.isWalking.value = !isWalking }
            Item(if (isOnline) "Take the network away" else "Bring the network back") {
                isOnline = !isOnline
                aside { if (isOnline) stage.world.startServer() else stage.world.stopServer() }
            }
            Item("The office deletes the lead changed last") { aside { stage.deleteChangedInOffice() } }
            Item(if (isDark) "Light" else "Dark", onClick = onDark)
        }
    }
}

private const val WALK_SPEED = 6
