package dev.fieldfare.demo.android

import android.Manifest
import android.os.Build
import android.os.Bundle
import androidx.activity.ComponentActivity
import androidx.activity.compose.setContent
import androidx.activity.result.contract.ActivityResultContracts
import androidx.compose.runtime.Composable
import androidx.compose.runtime.getValue
import androidx.compose.runtime.produceState
import dev.fieldfare.demo.DemoApp
import dev.fieldfare.demo.ui.AppScreen
import dev.fieldfare.demo.ui.DemoTheme

/** The one window. */
class MainActivity : ComponentActivity() {
    private val asking =
        registerForActivityResult(ActivityResultContracts.RequestMultiplePermissions()) { LocationService.start(this) }

    override fun onCreate(savedInstanceState: Bundle?) {
        super.onCreate(savedInstanceState)
        setContent { DemoTheme { Screens(application as PhoneApplication) } }
        askForPermissions()
    }

    override fun onStart() {
        super.onStart()
        LocationService.isShown = true
        LocationService.start(this)
    }

    override fun onStop() {
        LocationService.isShown = false
        super.onStop()
    }

    private fun askForPermissions() {
        val wanted =
            listOfNotNull(
                Manifest.permission.ACCESS_FINE_LOCATION,
                Manifest.permission.ACCESS_COARSE_LOCATION,
                Manifest.permission.POST_NOTIFICATIONS.takeIf { Build.VERSION.SDK_INT >= Build.VERSION_CODES.TIRAMISU },
            )
        if (!LocationService.mayLocate(this)) asking.launch(wanted.toTypedArray())
    }
}

@Composable
private fun Screens(application: PhoneApplication) {
    val app by produceState<DemoApp?>(null) { value = application.app() }
    app?.let { AppScreen(it) }
}
