package io.netpark.http

import io.kotest.matchers.shouldBe
import io.netpark.core.buffer.LeakDetection
import io.netpark.core.buffer.SegmentPool
import io.netpark.core.testing.RecordingReporter
import io.netpark.core.testing.eventually
import io.netpark.coroutines.Buffering
import io.netpark.coroutines.Connection
import io.netpark.coroutines.Reactor
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.runBlocking
import java.nio.ByteBuffer

/** Runs [body] with the ends of a connection: what a client writes to, and where a server reads. Nothing may be left of it. */
fun onConnection(body: suspend CoroutineScope.(client: Connection, server: Connection) -> Unit) {
    val reporter = RecordingReporter()
    val pool = SegmentPool.builder().leakDetection(LeakDetection.PARANOID).reporter(reporter).build()
    Reactor(1, Buffering(pool)) { daemon(true).reporter(reporter).reportLimit(Int.MAX_VALUE) }.use { reactor ->
        runBlocking { reactor.pair().use { (client, server) -> body(client, server) } }
    }
    eventually { pool.statistics().lentSegments() shouldBe 0 }
    reporter.shouldBeSilent()
}

/** Text of ISO 8859-1, and so any byte. */
suspend fun Connection.say(text: String): Unit = write(text.toByteArray(Charsets.ISO_8859_1))

/** The next so many bytes that a peer has said. */
suspend fun Connection.hear(count: Int): String {
    val target = ByteBuffer.allocate(count)
    while (target.hasRemaining()) {
        check(read(target) != Connection.END_OF_STREAM) { "only ${String(target.array(), 0, target.position())}" }
    }
    return String(target.array(), Charsets.ISO_8859_1)
}

/** A head that is there, or comes. */
suspend fun RequestHead.awaitHead(connection: Connection): Boolean {
    while (!parse(connection.reader)) if (!connection.reader.awaitMore()) return false
    return true
}

/** The status that something is refused with; null if it is not. */
inline fun refusal(action: () -> Unit): Int? = try {
    action()
    null
} catch (e: Refusal) {
    e.status.code
}

/** Keeps the fields as they come: `name: value`. */
class Fields : FieldSink {
    val lines = mutableListOf<String>()

    override fun begin(): Unit = lines.clear()

    override fun field(line: ByteBuffer, name: Int, nameEnd: Int, value: Int, valueEnd: Int) {
        lines += FieldSink.text(line, name, nameEnd) + ": " + FieldSink.text(line, value, valueEnd)
    }
}
