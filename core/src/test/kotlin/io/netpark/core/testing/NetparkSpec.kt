package io.netpark.core.testing

import io.kotest.core.spec.style.FunSpec
import io.netpark.core.testing.fault.FaultChoice
import kotlin.time.Duration.Companion.minutes
import kotlin.time.Duration.Companion.seconds

/**
 * The base of Netpark's specs: a test that hangs is interrupted and fails, and so does one that leaves descriptors open or
 * threads running. A spec in which calls were made to fail says how many.
 *
 * @param leaksMatter false for Lincheck, whose agent keeps a socket
 */
abstract class NetparkSpec(leaksMatter: Boolean = true, body: NetparkSpec.() -> Unit = {}) : FunSpec() {

    private var baseline: Baseline? = null

    init {
        blockingTest = true
        timeout = (if (FaultChoice.isUsual()) 120.seconds else 30.minutes).inWholeMilliseconds
        if (leaksMatter) {
            beforeEach { baseline = Baseline.now() }
            afterEach { baseline?.shouldBeRestored() }
        }
        afterSpec { FaultChoice.takeSummary()?.let { println("${this@NetparkSpec::class.simpleName}: $it") } }
        body()
    }
}
