package io.netpark.core.net.serving.rules

import io.kotest.matchers.collections.shouldContainExactly
import io.kotest.matchers.shouldBe
import io.netpark.core.loop.EventLoop
import io.netpark.core.sys.NetparkException
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.TestReactor
import io.netpark.core.testing.use
import java.io.InterruptedIOException
import java.util.concurrent.CancellationException

/** What a failure of a handler is about, and who is told of it. */
class FailureReportsSpec : NetparkSpec(body = {

    test("the kind of a failure is decided by what it says, by whom it is about, and by what came on top") {
        TestReactor().use { reactor ->
            reactor.pair().use { mine, other ->
                fun kind(failure: Throwable, isAllClosed: Boolean = false, about: Any? = mine.connection): FailureKind {
                    if (about != null) (failure as? NetparkException)?.setAbout(about)
                    return FailureKind.of(failure, mine.connection, isAllClosed)
                }

                fun timedOut(timeout: NetparkException.Timeout) = NetparkException.TimedOut(timeout, "too late")
                val byPeer = listOf(
                    NetparkException.Reset("r"), timedOut(NetparkException.Timeout.READ), NetparkException.Truncated("t"), NetparkException.LimitExceeded("l"),
                )
                byPeer.forEach {
                    kind(it) shouldBe FailureKind.BY_PEER
                    it.addSuppressed(NetparkException.Closed("a consequence"))
                    it.addSuppressed(CancellationException("another"))
                    it.addSuppressed(InterruptedIOException("another"))
                    kind(it) shouldBe FailureKind.BY_PEER
                    it.addSuppressed(IllegalStateException("a clean-up failed"))
                    kind(it) shouldBe FailureKind.OTHER
                }
                kind(NetparkException.Reset("r"), about = other.connection) shouldBe FailureKind.OTHER
                kind(NetparkException.Reset("r"), about = null) shouldBe FailureKind.OTHER
                kind(timedOut(NetparkException.Timeout.CONNECT)) shouldBe FailureKind.OTHER
                kind(NetparkException.Closed("c")) shouldBe FailureKind.CLOSED_HERE
                kind(NetparkException.Closed("c"), about = other.connection) shouldBe FailureKind.OTHER
                kind(NetparkException.Closed("c"), isAllClosed = true, about = other.connection) shouldBe FailureKind.CLOSED_HERE
                kind(NetparkException.Closed("c").apply { addSuppressed(IllegalStateException()) }) shouldBe FailureKind.OTHER
                kind(IllegalStateException()) shouldBe FailureKind.OTHER
            }
        }
    }

    class Named(private val loop: EventLoop, private val program: ((Throwable) -> Unit)?) : FailureReports<String>() {
        override fun loopOf(connection: String) = loop

        override fun tellProgram(connection: String, failure: Throwable): Boolean {
            program?.invoke(failure)
            return program != null
        }

        override fun describe(connection: String, because: String): String =
            if (connection.isEmpty()) throw OutOfMemoryError("on purpose") else super.describe(connection, because)
    }

    val first = IllegalStateException("first")
    val second = IllegalStateException("second")

    fun reports(program: ((Throwable) -> Unit)?, isNews: Boolean, connection: String = "it"): List<Pair<String, Throwable>> =
        TestReactor().use { reactor ->
            Named(reactor.loop, program).tell(connection, "failed", first, isNews)
            reactor.reporter.drain().map { it.what to it.cause }
        }

    test("the program is told, or else the reporter if it is news") {
        val told = mutableListOf<Throwable>()
        reports(told::add, isNews = true) shouldBe emptyList()
        told shouldContainExactly listOf(first)
        reports(null, isNews = true) shouldContainExactly listOf("it: failed" to first)
        reports(null, isNews = false) shouldBe emptyList()
    }

    test("if the program throws, that is reported, and the failure too if it is news") {
        reports({ throw second }, isNews = true).map { it.second } shouldContainExactly listOf(first, second)
        reports({ throw second }, isNews = false).map { it.second } shouldContainExactly listOf(second)
    }

    test("where there is no memory for words the report has others") {
        reports(null, isNews = true, connection = "") shouldContainExactly
            listOf("Something has failed on behalf of a connection" to first)
    }
})
