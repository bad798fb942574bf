package io.netpark.core.poll

import io.kotest.matchers.shouldBe
import io.netpark.core.testing.Bindings
import io.netpark.core.testing.NetparkSpec

class ReadinessSpec : NetparkSpec(body = {
    test("bits are described by their names") {
        Readiness.describe(0) shouldBe "NONE"
        Readiness.describe(Readiness.READABLE or Readiness.READ_CLOSED) shouldBe "READABLE|READ_CLOSED"
        Readiness.describe(-1) shouldBe "READABLE|WRITABLE|READ_CLOSED|HANGUP|ERROR|URGENT|POLLER_CLOSED"
    }

    test("a batch of woken waiters keeps their order and forgets them") {
        val batch = WokenBatch()
        val waiters = List(200) { Runnable {} }
        repeat(2) {
            waiters.forEach(batch::add)
            batch.size() shouldBe 200
            List(200) { batch.take() } shouldBe waiters
            batch.take() shouldBe null
            batch.size() shouldBe 0
        }
    }

    test("a batch knows by which registration the waiter was woken that was taken out last") {
        PollerRig(Bindings.best, Poller.EPOLL).use { rig ->
            val batch = WokenBatch()
            val woken = List(100) { rig.watch(rig.eventfd(), Interest.READ) }
            repeat(2) {
                batch.running() shouldBe 0
                woken.forEach {
                    batch.by(it)
                    batch.add {}
                    batch.add {}
                }
                batch.running() shouldBe 0
                for (pollable in woken) repeat(2) {
                    batch.take()
                    rig.poller.registered(batch.running()) shouldBe pollable
                }
                batch.take()
                batch.running() shouldBe 0
            }
        }
    }
})
