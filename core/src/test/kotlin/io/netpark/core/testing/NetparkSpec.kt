package io.netpark.core.testing

import io.kotest.core.spec.style.FunSpec
import kotlin.time.Duration.Companion.seconds

/**
 * The base of Netpark's specs: a test that hangs is interrupted and fails, and so does one that leaves descriptors open or
 * threads running.
 *
 * @param leaksMatter false for Lincheck, whose agent keeps a socket
 */
abstract class NetparkSpec(leaksMatter: Boolean = true, body: NetparkSpec.() -> Unit = {}) : FunSpec() {

    private var baseline: Baseline? = null

    init {
        blockingTest = true
        timeout = 120.seconds.inWholeMilliseconds
        if (leaksMatter) {
            beforeEach { baseline = Baseline.now() }
            afterEach { baseline?.shouldBeRestored() }
        }
        body()
    }
}
