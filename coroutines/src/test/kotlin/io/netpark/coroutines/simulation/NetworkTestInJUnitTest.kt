package io.netpark.coroutines.simulation

import io.netpark.simulation.link.LinkConditions
import java.time.Duration
import kotlin.time.Duration.Companion.hours
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.minutes
import kotlinx.coroutines.ExperimentalCoroutinesApi
import kotlinx.coroutines.delay
import kotlinx.coroutines.launch
import kotlinx.coroutines.test.currentTime
import kotlinx.coroutines.test.runTest
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.Timeout

/** [runNetworkTest] where it is called by JUnit, and by `runTest`. For Kotest there is [NetworkTestSpec]. */
@Timeout(120)
class NetworkTestInJUnitTest {

    @Test
    fun aDialTakesARoundTrip() = runNetworkTest(seeds = 1L..5L) {
        val server = host("server")
        val client = host("client")
        network.between("server", "client", LinkConditions.IDEAL.withLatency(Duration.ofMillis(30)))
        server.reactor.listen(server.address(7000)).use {
            client.reactor.dial(server.address(7000)).close()
            assertEquals(60.milliseconds, elapsed)
        }
    }

    @Test
    fun aFailureIsToldWithItsSeed() {
        val failure = assertThrows(AssertionError::class.java) { runNetworkTest(seeds = 6L..9L) { assertEquals(1, 2) } }
        assertTrue("seed 6 does that again" in failure.suppressed.single().message.orEmpty())
    }

    @OptIn(ExperimentalCoroutinesApi::class)
    @Test
    fun insideOfRunTestTheClockOfEachStandsStillWhileTheOtherGoes() = runTest {
        var hourIsOver = false
        launch {
            delay(1.hours)
            hourIsOver = true
        }
        delay(10.minutes)
        runNetworkTest(1) {
            delay(5.hours)
            assertEquals(5.hours, elapsed)
        }
        assertEquals(10.minutes.inWholeMilliseconds, currentTime)
        assertEquals(false, hourIsOver)
        delay(1.hours)
        assertEquals(true, hourIsOver)
        assertEquals(70.minutes.inWholeMilliseconds, currentTime)
    }
}
