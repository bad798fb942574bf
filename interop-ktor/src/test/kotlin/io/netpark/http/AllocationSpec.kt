package io.netpark.http

import com.sun.management.ThreadMXBean
import io.kotest.matchers.doubles.shouldBeLessThan
import io.kotest.matchers.shouldBe
import io.netpark.core.buffer.LeakDetection
import io.netpark.core.buffer.LinkBuffer
import io.netpark.core.buffer.SegmentPool
import io.netpark.core.testing.NetparkSpec
import java.lang.management.ManagementFactory

private const val REQUESTS = 1000
private const val ROUNDS = 40

/**
 * How many bytes a thread allocates a request, in the best of the rounds: what is loaded or compiled meanwhile may cost something
 * in one. Load of the machine does not matter.
 */
private fun leastBytesOf(request: () -> Unit): Double {
    val threads = ManagementFactory.getThreadMXBean() as ThreadMXBean
    @Suppress("DEPRECATION") // its successor is not there in JDK 17
    val here = Thread.currentThread().id
    return (1..ROUNDS).minOf {
        val before = threads.getThreadAllocatedBytes(here)
        repeat(REQUESTS) { request() }
        (threads.getThreadAllocatedBytes(here) - before).toDouble() / REQUESTS
    }
}

class AllocationSpec : NetparkSpec(body = {
    val fields = "User-Agent: x/1\r\nAccept: */*\r\nConnection: keep-alive, x\r\nExpect: 100-continue\r\n"

    for ((name, text) in listOf(
        "no body" to "GET /plaintext?a=b HTTP/1.1\r\nHost: x:80\r\n$fields\r\n",
        "a length" to "POST http://y/echo HTTP/1.1\r\nHost: x\r\n${fields}Content-Length: 5\r\n\r\nabcde",
        "chunks" to "PUT /echo HTTP/1.1\r\nHost: x\r\n${fields}Transfer-Encoding: chunked\r\n\r\n" +
            "3;a=b\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
    )) {
        test("a request with $name costs no memory") {
            val bytes = text.encodeToByteArray()
            val plaintext = "/plaintext".encodeToByteArray()
            SegmentPool.builder().leakDetection(LeakDetection.OFF).build().use { pool ->
                LinkBuffer(pool).use { buffer ->
                    var length = 0
                    val head = RequestHead(sink = { _, from, to, _, _ -> length += to - from })
                    val framing = BodyFraming(buffer, BodyLimits(), null)
                    var isWhole = true
                    leastBytesOf {
                        buffer.put(bytes)
                        isWhole = head.parse(buffer) && isWhole
                        head.target.isPath(plaintext)
                        head.methodText()
                        framing.begin(head)
                        while (true) {
                            val count = framing.available()
                            if (count == 0L) break
                            buffer.skip(count)
                            framing.took(count)
                        }
                        isWhole = framing.isOver && isWhole
                        buffer.release()
                    } shouldBeLessThan 1.0
                    isWhole shouldBe true
                    buffer.available() shouldBe 0
                }
            }
        }
    }
})
