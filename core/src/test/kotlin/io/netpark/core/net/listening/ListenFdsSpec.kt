package io.netpark.core.net.listening

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.netpark.core.testing.Bindings
import io.netpark.core.testing.ChildJvm
import io.netpark.core.testing.NetparkSpec
import java.util.concurrent.atomic.AtomicBoolean

private fun take(vararg environment: Pair<String, String>, taken: AtomicBoolean = AtomicBoolean()) =
    ListenFds.take(taken, mapOf(*environment), 42)

class ListenFdsSpec : NetparkSpec(body = {
    for (libc in Bindings.all) {
        test("${libc.binding()}: a process that is started with listening sockets accepts by them") {
            ChildJvm("io.netpark.core.net.listening.ListenFdsProbeKt", libc.binding()).run("start") shouldContain "served"
        }
    }

    test("it is told why there are none") {
        fun reason(vararg environment: Pair<String, String>) = take(*environment).use {
            it.isEmpty shouldBe true
            it.all() shouldBe emptyList()
            shouldThrow<NoSuchElementException> { it.get("web") }.message!! shouldContain it.reason()!!
            shouldThrow<NoSuchElementException> { it.only() }.message!! shouldContain it.reason()!!
            it.reason()!!
        }
        reason() shouldContain "the environment has no LISTEN_FDS"
        reason("LISTEN_FDS" to "1") shouldContain "no LISTEN_PID"
        reason("LISTEN_FDS" to "1", "LISTEN_PID" to "7") shouldContain "meant for the process 7 (LISTEN_PID), and this is 42"
        reason("LISTEN_FDS" to "0", "LISTEN_PID" to "42") shouldBe "LISTEN_FDS is 0"
        take(
            "LISTEN_FDS" to "1", "LISTEN_PID" to "42", taken = AtomicBoolean(true),
        ).reason()!! shouldContain "taken already"
    }

    test("an environment that cannot be is an error") {
        shouldThrow<IllegalArgumentException> { take("LISTEN_FDS" to "many", "LISTEN_PID" to "42") }
            .message shouldBe "LISTEN_FDS is no number: many"
        shouldThrow<IllegalArgumentException> { take("LISTEN_FDS" to "1", "LISTEN_PID" to "me") }
        shouldThrow<IllegalArgumentException> { take("LISTEN_FDS" to "4294967295", "LISTEN_PID" to "42") }
            .message shouldBe "LISTEN_FDS is no number: 4294967295"
    }

    test("this process has been given none") {
        ListenFds.take().use { it.reason()!! shouldContain "systemd" }
    }
})
