package io.netpark.core.net.secure

import io.kotest.matchers.collections.shouldNotContain
import io.kotest.matchers.shouldBe
import io.netpark.core.sys.Clock
import io.netpark.core.sys.Errno
import io.netpark.core.sys.NetparkException
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.TestReactor
import io.netpark.core.testing.async
import io.netpark.core.testing.eventually
import io.netpark.core.testing.failure
import io.netpark.core.testing.tls.ScriptedEngine
import io.netpark.core.testing.tls.awaitTls
import io.netpark.core.testing.tls.beginTls
import io.netpark.core.testing.tls.tcpPair
import io.netpark.core.testing.use
import java.util.concurrent.CyclicBarrier
import java.util.concurrent.TimeUnit
import javax.net.ssl.SSLEngineResult.HandshakeStatus

/** A socket without a peer. */
private object NoSocket : Wire {
    override fun receive(address: Long, length: Int) = -Errno.EAGAIN.toLong()

    override fun send(address: Long, length: Int) = length.toLong()

    override fun isKnownEmpty() = false

    override fun noteRead(shorter: Boolean) {}

    override fun awaitRoom(full: Boolean) {}

    override fun resumeReading() {}

    override fun outputSent() {}

    override fun beginTask() {}
}

private const val ROUNDS = 50

/** An engine goes back to its source once, whoever ends its connection, and is called by nobody afterwards. */
class EngineReleaseSpec : NetparkSpec(body = {

    for (farewell in Farewell.entries) test("a connection that is closed twice gives its engine back once: $farewell") {
        val engine = ScriptedEngine()
        val stream = SecureStream(engine.server(), null, -1, Clock.SYSTEM)
        stream.handshake(NoSocket) shouldBe Need.NOTHING
        repeat(2) { stream.close(NoSocket, farewell) shouldBe null }
        engine.released.get() shouldBe 1
    }

    test("one that is closed while a task runs, and then again, gives it back when that has ended") {
        val engine = ScriptedEngine().apply { status = HandshakeStatus.NEED_TASK }
        val stream = SecureStream(engine.server(), null, -1, Clock.SYSTEM)
        stream.handshake(NoSocket) shouldBe Need.TASK
        engine.tasks += Runnable {
            stream.close(NoSocket, Farewell.ABRUPT)
            engine.released.get() shouldBe 0
        }
        stream.runTask() shouldBe true
        engine.released.get() shouldBe 1
        stream.close(NoSocket, Farewell.ABRUPT)
        engine.released.get() shouldBe 1
    }

    test("tasks that end beside the last turn of their loop: nobody waits for ever, and no handshake goes on where they run") {
        repeat(ROUNDS) {
            val barrier = CyclicBarrier(2)
            val engine = ScriptedEngine().apply { status = HandshakeStatus.NEED_TASK }
            engine.tasks += Runnable {
                barrier.await(1, TimeUnit.MINUTES)
                engine.status = HandshakeStatus.NEED_UNWRAP
            }
            TestReactor().use { reactor ->
                TestReactor().use { elsewhere ->
                    reactor.tcpPair(elsewhere).use { ours, _ ->
                        ours.beginTls(engine.server { taskExecutor { task -> Thread(task, "tasks").start() } })
                        val waiting = async { ours.awaitTls() }
                        eventually { ours.connection.parked() shouldBe 1 }
                        barrier.await(1, TimeUnit.MINUTES)
                        reactor.group.close()
                        (waiting.failure() is NetparkException.Closed) shouldBe true
                        eventually { engine.released.get() shouldBe 1 }
                        engine.threads shouldNotContain "tasks"
                    }
                }
            }
            engine.released.get() shouldBe 1
        }
    }
})
