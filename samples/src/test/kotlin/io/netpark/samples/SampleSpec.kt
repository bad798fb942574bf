package io.netpark.samples

import io.kotest.core.spec.style.FunSpec
import io.kotest.core.test.Enabled
import java.io.IOException
import java.util.concurrent.TimeUnit

/** The base of the specs here: a test that hangs is interrupted and fails. */
abstract class SampleSpec(body: SampleSpec.() -> Unit) : FunSpec() {
    init {
        blockingTest = true
        timeout = TimeUnit.SECONDS.toMillis(2 * PATIENCE_SECONDS)
        body()
    }
}

/** Why a test that needs a tool is skipped, if it is. */
fun needs(tool: String, vararg probe: String): Enabled {
    val worked = try {
        ProcessBuilder(listOf(tool, *probe)).redirectErrorStream(true).start()
            .apply { outputStream.close(); inputStream.readAllBytes() }
            .waitFor() == 0
    } catch (_: IOException) {
        return Enabled.disabled("$tool is not installed")
    }
    if (worked) return Enabled.enabled
    return Enabled.disabled("${(listOf(tool) + probe).joinToString(" ")} does not work here")
}

/** Why a test of a binding is skipped, if it is. */
fun needsJdkOf(binding: String): Enabled =
    if (binding != "ffm" || Runtime.version().feature() >= 22) Enabled.enabled else Enabled.disabled("$binding needs JDK 22")
