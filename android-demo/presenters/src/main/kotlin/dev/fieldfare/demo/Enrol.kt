package dev.fieldfare.demo

import dev.fieldfare.Fieldfare
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asStateFlow
import kotlinx.coroutines.flow.update
import kotlinx.coroutines.launch

/** Whether this phone belongs to somebody. */
data class EnrolState(
    val isKnown: Boolean = false,
    val repName: String? = null,
    val isEnrolled: Boolean = false,
    val code: String = "",
    val isWorking: Boolean = false,
    val problem: String? = null,
)

/** The first screen: the one-time code the company gave out. */
class EnrolPresenter(
    private val phone: Fieldfare,
    private val scope: CoroutineScope,
    private val deviceName: String,
    private val onEnrolled: () -> Unit,
) {
    private val mutableState = MutableStateFlow(EnrolState())

    /** What the screen shows. */
    val state: StateFlow<EnrolState> = mutableState.asStateFlow()

    fun start() {
        scope.launch {
            tryTo(::say) {
                val enrolment = phone.enrolment()
                mutableState.update {
                    it.copy(
                        isKnown = true,
                        isEnrolled = enrolment != null,
                        repName = enrolment?.repName,
                    )
                }
            }
        }
    }

    fun setCode(code: String) = mutableState.update { it.copy(code = code.uppercase().trim()) }

    fun enrol() {
        val code = state.value.code
        if (code.isEmpty() || state.value.isWorking) return
        mutableState.update { it.copy(isWorking = true, problem = null) }
        scope.launch {
            tryTo(::say) {
                val enrolment = phone.enrol(code, deviceName)
                mutableState.update { it.copy(isEnrolled = true, repName = enrolment.repName) }
                onEnrolled()
            }
            mutableState.update { it.copy(isWorking = false) }
        }
    }

    private fun say(problem: String) = mutableState.update { it.copy(problem = problem) }
}
