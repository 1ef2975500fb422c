package dev.fieldfare.demo.desktop

import androidx.compose.ui.test.SemanticsMatcher
import androidx.compose.ui.test.SemanticsNodeInteraction
import androidx.compose.ui.test.hasContentDescription
import androidx.compose.ui.test.hasTestTag
import androidx.compose.ui.test.hasText
import androidx.compose.ui.test.junit4.ComposeContentTestRule
import androidx.compose.ui.test.onAllNodesWithTag
import androidx.compose.ui.test.onFirst
import androidx.compose.ui.test.onNodeWithContentDescription
import androidx.compose.ui.test.onNodeWithTag
import androidx.compose.ui.test.onNodeWithText
import androidx.compose.ui.test.performClick
import dev.fieldfare.demo.DemoApp
import dev.fieldfare.demo.ui.AppScreen
import dev.fieldfare.demo.ui.DemoTheme

/** How long a screen may take on a busy machine. */
private const val PATIENCE_MS = 60_000L

/** Shows the app, light or dark. */
internal fun ComposeContentTestRule.show(
    app: DemoApp,
    isDark: Boolean = false,
) = setContent { DemoTheme(isDark) { AppScreen(app) } }

internal fun ComposeContentTestRule.tag(tag: String): SemanticsNodeInteraction = onNodeWithTag(tag)

/** Waits until something is shown. */
internal fun ComposeContentTestRule.await(matcher: SemanticsMatcher) =
    waitUntil("${matcher.description} is shown", PATIENCE_MS) { onAllNodes(matcher).fetchSemanticsNodes().isNotEmpty() }

/** Waits until something is shown no more. */
internal fun ComposeContentTestRule.awaitGone(matcher: SemanticsMatcher) =
    waitUntil("${matcher.description} is gone", PATIENCE_MS) { onAllNodes(matcher).fetchSemanticsNodes().isEmpty() }

/** Waits for something the screens do not show. */
internal fun ComposeContentTestRule.awaitThat(
    what: String,
    check: () -> Boolean,
) = waitUntil(what, PATIENCE_MS, check)

internal fun ComposeContentTestRule.click(tag: String) {
    await(hasTestTag(tag))
    onAllNodesWithTag(tag).onFirst().performClick()
}

internal fun ComposeContentTestRule.clickText(text: String) {
    await(hasText(text))
    onNodeWithText(text).performClick()
}

internal fun ComposeContentTestRule.count(tag: String): Int = onAllNodesWithTag(tag).fetchSemanticsNodes().size

internal fun ComposeContentTestRule.clickDescribed(text: String) {
    await(hasContentDescription(text))
    onNodeWithContentDescription(text).performClick()
}
