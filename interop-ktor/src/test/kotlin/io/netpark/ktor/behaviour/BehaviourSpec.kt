package io.netpark.ktor.behaviour

import io.kotest.core.spec.style.FunSpec
import io.kotest.core.test.Enabled
import io.ktor.server.application.Application
import io.ktor.server.engine.ApplicationEngine
import io.netpark.core.testing.Baseline
import org.slf4j.Logger
import org.slf4j.helpers.NOPLogger
import kotlin.time.Duration.Companion.seconds

/**
 * Behaviours of the engine, each a test by every scheme. One application serves all tests of a spec. When it has been stopped, no
 * descriptor and no thread of it is left.
 */
abstract class BehaviourSpec(
    private val log: Logger = NOPLogger.NOP_LOGGER,
    private val configure: ApplicationEngine.Configuration.() -> Unit = {},
    private val application: Application.() -> Unit = {},
    body: BehaviourSpec.() -> Unit,
) : FunSpec() {

    private val baseline by lazy {
        check(!jdkClient.executor().isPresent) // the client is there, with the descriptors that it keeps
        Baseline.now()
    }
    private var running: RunningApplication? = null

    val served: RunningApplication get() = checkNotNull(running)

    init {
        blockingTest = true
        timeout = 120.seconds.inWholeMilliseconds
        beforeSpec {
            baseline
            running = RunningApplication(log, configure = configure, module = application)
        }
        afterSpec {
            running?.close()
            baseline.shouldBeRestored()
        }
        body()
    }

    /** A test, once by each scheme. */
    fun behaviour(
        name: String,
        enabled: Enabled = Enabled.enabled,
        schemes: List<Scheme> = Scheme.all,
        test: suspend (Site) -> Unit,
    ) {
        for (scheme in schemes) {
            test("$scheme: $name").config(enabledOrReasonIf = { enabled }) { test(served.over(scheme)) }
        }
    }

    /** A test of what this engine promises and others do not. */
    fun promise(
        name: String,
        enabled: Enabled = Enabled.enabled,
        schemes: List<Scheme> = Scheme.all,
        test: suspend (Site) -> Unit,
    ) {
        val subject = Subject.ofThisRun
        behaviour(name, if (subject == Subject.NETPARK) enabled else Enabled.disabled("Netpark's promise"), schemes, test)
    }

    /** For what takes its time, and is the same by every scheme. */
    val httpOnly: List<Scheme> get() = listOf(Scheme.HTTP)
}
