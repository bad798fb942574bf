package io.netpark.core.net.secure

import io.kotest.engine.spec.tempfile
import io.kotest.matchers.shouldBe
import io.netpark.core.net.files.FileTransfer
import io.netpark.core.sys.LibC
import io.netpark.core.testing.Bindings
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.TestReactor
import io.netpark.core.testing.async
import io.netpark.core.testing.eventually
import io.netpark.core.testing.result
import io.netpark.core.testing.send
import io.netpark.core.testing.tls.ScriptedEngine
import io.netpark.core.testing.tls.awaitTls
import io.netpark.core.testing.tls.beginTls
import io.netpark.core.testing.tls.tcpPair
import io.netpark.core.testing.use
import java.util.concurrent.CountDownLatch
import javax.net.ssl.SSLEngineResult
import javax.net.ssl.SSLEngineResult.HandshakeStatus
import javax.net.ssl.SSLEngineResult.Status

/** Files of slow disks. */
class SlowFileSpec : NetparkSpec(body = {
    test("a file that is slow to be read holds up its own write, and no answer that a record wants") {
        val reads = CountDownLatch(1)
        val go = CountDownLatch(1)
        val slow = object : LibC by Bindings.best {
            override fun pread(fd: Int, address: Long, length: Long, offset: Long): Long {
                reads.countDown()
                go.await()
                return Bindings.best.pread(fd, address, length, offset)
            }
        }
        val engine = ScriptedEngine()
        val file = tempfile().apply { writeText("file") }
        TestReactor(slow).use { reactor ->
            reactor.tcpPair().use { ours, plain ->
                ours.beginTls(engine.server()).awaitTls()
                FileTransfer.open(file.toPath()).use { transfer ->
                    val sending = async { ours.send(transfer) }
                    reads.await()
                    engine.unwrapping = { record, _ ->
                        engine.unwrapping = null
                        engine.status = HandshakeStatus.NEED_WRAP
                        record.position(record.position() + 6)
                        engine.result(consumed = 6)
                    }
                    engine.wrapping = { record ->
                        engine.wrapping = null
                        engine.status = HandshakeStatus.NOT_HANDSHAKING
                        record.put(ScriptedEngine.record("answer".toByteArray()))
                        SSLEngineResult(Status.OK, HandshakeStatus.NOT_HANDSHAKING, 0, 11)
                    }
                    plain.write(ScriptedEngine.record(byteArrayOf(1)) + ScriptedEngine.record("x".toByteArray()))
                    val reading = async { ours.readText(1) }
                    try {
                        eventually { check(reading.isDone) }
                        plain.readText(11).substring(5) shouldBe "answer"
                    } finally {
                        go.countDown()
                    }
                    sending.result()
                    plain.readText(9).substring(5) shouldBe "file"
                }
            }
        }
    }
})
