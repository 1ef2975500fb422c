package dev.fieldfare.demo.android

import android.content.Context
import android.hardware.Sensor
import android.hardware.SensorManager
import android.hardware.TriggerEvent
import android.hardware.TriggerEventListener

/** Waits until the phone is carried away, at next to no cost: the sensor wakes the app once. */
class Motion(
    context: Context,
    private val onMotion: () -> Unit,
) {
    private val sensors: SensorManager? = context.getSystemService(SensorManager::class.java)
    private val sensor: Sensor? = sensors?.getDefaultSensor(Sensor.TYPE_SIGNIFICANT_MOTION)
    private val listener =
        object : TriggerEventListener() {
            override fun onTrigger(event: TriggerEvent?) = onMotion()
        }

    /** Without the sensor nothing happens: the engine named a time at which to look anyway. */
    fun await() {
        sensor?.let { sensors?.requestTriggerSensor(listener, it) }
    }

    fun cancel() {
        sensor?.let { sensors?.cancelTriggerSensor(listener, it) }
    }
}
