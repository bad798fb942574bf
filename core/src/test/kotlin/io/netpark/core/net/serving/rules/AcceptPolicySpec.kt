package io.netpark.core.net.serving.rules

import io.kotest.matchers.collections.shouldContainExactly
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.netpark.core.net.streams.ConnectionDescriptor
import io.netpark.core.sys.NetparkException
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.TestReactor
import java.util.concurrent.TimeUnit

/** What an error of accepting means, whichever API it happens to. */
class AcceptPolicySpec : NetparkSpec(body = {

    test("what fails again and again is tried again after growing pauses, and reported once an episode") {
        TestReactor().use { reactor ->
            reactor.listen().use { listener ->
                val policy = AcceptPolicy(listener.listener)
                val trouble = IllegalStateException("no loop is good enough")
                val pauses = List(10) { policy.failed(trouble).also { policy.report(trouble) } }
                pauses.map { TimeUnit.NANOSECONDS.toMillis(it) } shouldContainExactly
                    listOf<Long>(5, 10, 20, 40, 80, 160, 320, 640, 1000, 1000)
                val report = reactor.reporter.drain().single()
                report.what shouldContain "failed; trying again"
                report.cause shouldBe trouble
                reactor.connect(listener.address).use {
                    policy.pass(listener.accept().connection) { it.close() } // it works again
                }
                TimeUnit.NANOSECONDS.toMillis(policy.failed(trouble)) shouldBe 5
                policy.report(trouble)
                reactor.reporter.drain().single().cause shouldBe trouble
            }
        }
    }

    test("a closed connection or pool that a balancing asks does not end accepting") {
        TestReactor().use { reactor ->
            reactor.listen().use { listener ->
                (AcceptPolicy(listener.listener).failed(NetparkException.Closed("something else is closed")) > 0) shouldBe true
            }
        }
    }

    test("accepting ends with its listener, or its group, and that is no news") {
        for (closesGroup in listOf(false, true)) {
            TestReactor().use { reactor ->
                val listener = reactor.listen()
                if (closesGroup) reactor.group.close() else listener.close()
                val policy = AcceptPolicy(listener.listener)
                policy.failed(NetparkException.Closed("accept: closed here")) shouldBe AcceptPolicy.ENDED
                listener.close()
            }
        }
    }

    test("accepting ends, and that is reported, if something else has closed the socket") {
        TestReactor().use { reactor ->
            val listener = reactor.listen()
            listener.close()
            val failure = IllegalStateException("it does not listen any more")
            AcceptPolicy(listener.listener).failed(failure) shouldBe AcceptPolicy.ENDED
            val report = reactor.reporter.drain().single()
            report.what shouldContain "has ended"
            report.cause shouldBe failure
        }
    }

    test("a connection that cannot be served is closed, and costs no more") {
        TestReactor().use { reactor ->
            reactor.listen().use { listener ->
                reactor.connect(listener.address).use { client ->
                    val accepted: ConnectionDescriptor = listener.accept().connection
                    AcceptPolicy(listener.listener).pass(accepted) { throw OutOfMemoryError("on purpose") }
                    accepted.isClosed shouldBe true
                    client.readIsAtEnd() shouldBe true
                    reactor.reporter.drain().single().what shouldContain "could not be served"
                }
            }
        }
    }
})
