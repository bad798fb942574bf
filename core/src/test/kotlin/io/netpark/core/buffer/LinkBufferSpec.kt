package io.netpark.core.buffer

import com.sun.jna.Pointer
import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.kotest.matchers.types.shouldBeSameInstanceAs
import io.kotest.matchers.types.shouldNotBeSameInstanceAs
import io.netpark.core.memory.DirectBuffers
import io.netpark.core.sys.NetparkException
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.async
import io.netpark.core.testing.result
import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.nio.channels.Channels
import java.nio.charset.Charset

private const val KIB = 1024

class LinkBufferSpec : NetparkSpec(body = {
    context("copies") {
        test("what was reserved and committed is taken where it was put") {
            buffers { buffer, _ ->
                val room = buffer.reserve(100)
                val address = addressOf(room)
                room.put("hello, world".toByteArray())
                buffer.commit(12)
                addressOf(buffer.peek(12)) shouldBe address
                addressOf(buffer.next(7)) shouldBe address
                addressOf(buffer.next(5)) shouldBe address + 7
            }
        }

        test("what is linked is read where it lies, from its position to its limit, and given back once") {
            buffers { buffer, pool ->
                val source = ByteBuffer.allocateDirect(100_000)
                var released = 0
                buffer.link(source.position(10).limit(99_000)) { released++ }
                source.remaining() shouldBe 0
                addressOf(buffer.next(98_990)) shouldBe DirectBuffers.address(source) + 10
                released shouldBe 0
                pool.statistics().lentSegments() shouldBe 0
                buffer.release()
                released shouldBe 1
                buffer.close()
                released shouldBe 1
            }
        }

        test("nothing that is linked is given back at once") {
            buffers { buffer, _ ->
                var released = 0
                buffer.link(ByteBuffer.allocate(0)) { released++ }
                released shouldBe 1
                buffer.available() shouldBe 0
            }
        }

        test("a linked heap buffer is no address; a read-only one will do") {
            buffers { buffer, _ ->
                buffer.link(ByteBuffer.wrap("abc".toByteArray()).asReadOnlyBuffer())
                buffer.firstAddress() shouldBe 0
                buffer.firstLength() shouldBe 3
                buffer.gather(ByteBuffer.allocateDirect(16), 0, 1) shouldBe 0
                buffer.takeString(3) shouldBe "abc"
            }
        }

        test("bytes across two segments are copied once: the next look at them finds the copy") {
            buffers { buffer, pool ->
                buffer.put(ByteArray(4096))
                buffer.link(ByteBuffer.wrap(ByteArray(4096) { 1 }))
                val view = buffer.peek(5000)
                view[view.position() + 4095] shouldBe 0
                view[view.position() + 4096] shouldBe 1
                pool.statistics().taken() shouldBe 2
                addressOf(buffer.next(5000)) shouldBe addressOf(view)
                pool.statistics().taken() shouldBe 2
                buffer.takeBytes(3192).all { it == 1.toByte() } shouldBe true
            }
        }

        test("what is appended moves, unless it is little and there is room for it") {
            buffers { buffer, pool ->
                LinkBuffer(pool).use { source ->
                    source.put(ByteArray(2000))
                    val address = source.firstAddress()
                    buffer.putByte(1)
                    buffer.append(source)
                    source.available() shouldBe 0
                    buffer.skip(1)
                    buffer.firstAddress() shouldBe address

                    source.put(ByteArray(100))
                    buffer.append(source)
                    buffer.firstLength() shouldBe 2100
                    pool.statistics().lentSegments() shouldBe 1
                }
            }
        }

        test("a slice shares the memory, and may be read and closed on another thread") {
            buffers { buffer, pool ->
                buffer.put(ByteArray(3000) { it.toByte() })
                val address = buffer.firstAddress()
                val slice = buffer.slice(2000)
                slice.firstAddress() shouldBe address
                buffer.firstAddress() shouldBe address + 2000
                async {
                    slice.use { it.takeBytes(2000) }
                }.result() shouldBe ByteArray(2000) { it.toByte() }
                buffer.takeByte() shouldBe 2000.toByte()
                pool.statistics().lentSegments() shouldBe 1
            }
        }

        test("a slice outlives the buffer; little of it is copied") {
            buffers { buffer, pool ->
                buffer.putString("abcdef")
                buffer.slice(3).use { slice ->
                    pool.statistics().lentBytes() shouldBe 5L * KIB
                    buffer.close()
                    slice.takeString(3) shouldBe "abc"
                }
            }
        }
    }

    context("memory") {
        test("an empty buffer holds none, whatever has become of it") {
            buffers { buffer, pool ->
                fun holdsNothing() = pool.statistics().lentSegments() shouldBe 0
                holdsNothing()
                buffer.putInt(1)
                buffer.takeInt()
                holdsNothing()
                buffer.reserve(10)
                buffer.commit(0)
                holdsNothing()
                buffer.reserve(10)
                buffer.putString("") shouldBe 0
                holdsNothing()
                buffer.reserve(10)
                buffer.putString("", Charsets.UTF_16LE) shouldBe 0
                holdsNothing()
                buffer.openRoom()
                buffer.filled(0)
                holdsNothing()
                buffer.reserve(10)
                buffer.openRoom()
                buffer.filled(0)
                holdsNothing()
                buffer.slice(0).close()
                holdsNothing()
            }
        }

        test("what is taken without a view is given back as it is taken") {
            buffers { buffer, pool ->
                buffer.put(ByteArray(200 * KIB))
                var before = pool.statistics().lentBytes()
                repeat(200) {
                    buffer.skip(1L * KIB)
                    buffer.heldBytes() shouldBe 0
                    val now = pool.statistics().lentBytes()
                    (now <= before && now < buffer.available() + 128 * KIB) shouldBe true
                    before = now
                }
                before shouldBe 0
            }
        }

        test("what a view shows is kept until its release") {
            buffers { buffer, pool ->
                buffer.put(ByteArray(10))
                val view = buffer.next(10)
                buffer.heldBytes() shouldBe 4096
                pool.statistics().lentSegments() shouldBe 1
                view.remaining() shouldBe 10
                buffer.release()
                buffer.heldBytes() shouldBe 0
                pool.statistics().lentSegments() shouldBe 0
                buffer.release()
            }
        }

        test("little that is going to stay is moved to a smaller segment") {
            buffers { buffer, pool ->
                buffer.fill(ByteArray(100) { 7 })
                pool.statistics().lentBytes() shouldBe 64L * KIB
                buffer.trim()
                pool.statistics().lentBytes() shouldBe 1L * KIB
                buffer.takeBytes(100) shouldBe ByteArray(100) { 7 }
            }
        }

        test("few bytes at a time from a descriptor share a segment") {
            buffers { buffer, pool ->
                buffer.fill(ByteArray(100))
                buffer.trim()
                repeat(9) { buffer.fill(ByteArray(100)) }
                buffer.available() shouldBe 1000
                pool.statistics().lentBytes() shouldBe 1L * KIB
            }
        }

        test("room that was opened and not filled is given back when the buffer is closed") {
            buffers { buffer, pool ->
                buffer.openRoom()
                pool.statistics().lentSegments() shouldBe 1
                buffer.close()
                pool.statistics().lentSegments() shouldBe 0
            }
        }
    }

    context("reservations") {
        test("one that is replaced by a larger one leaves no gap") {
            buffers { buffer, _ ->
                buffer.reserve(10).putInt(1)
                buffer.reserve(5000).putInt(2)
                buffer.commit(4)
                buffer.takeInt() shouldBe 2
                buffer.available() shouldBe 0
            }
        }

        test("one of a buffer that is read empty ends when a descriptor is read") {
            buffers { buffer, _ ->
                buffer.putInt(1)
                buffer.reserve(10)
                buffer.takeInt() shouldBe 1
                buffer.fill(ByteArray(5000) { 3 })
                buffer.takeByte() shouldBe 3
            }
        }

        test("one survives reading and releasing, and what is committed comes after what was there") {
            buffers { buffer, _ ->
                buffer.putInt(1)
                val room = buffer.reserve(8)
                val view = buffer.next(4)
                buffer.release()
                view.remaining() shouldBe 0
                room.putInt(2)
                buffer.commit(4)
                buffer.takeInt() shouldBe 2
            }
        }

        test("its view is empty after the commit") {
            buffers { buffer, _ ->
                val room = buffer.reserve(8)
                room.putInt(2)
                buffer.commit(4)
                room.limit() shouldBe 0
                buffer.reserve(8) shouldNotBeSameInstanceAs room
            }
        }

        test("without one, or with too little, nothing is committed") {
            buffers { buffer, _ ->
                shouldThrow<IllegalStateException> { buffer.commit(0) }.message shouldBe "commit(0): nothing is reserved"
                buffer.reserve(10)
                shouldThrow<IndexOutOfBoundsException> { buffer.commit(11) }.message shouldBe "commit(11): 10 bytes are reserved"
                shouldThrow<IndexOutOfBoundsException> { buffer.commit(-1) }.message shouldBe "commit(-1): 10 bytes are reserved"
                buffer.commit(10)
                shouldThrow<IllegalStateException> { buffer.commit(0) }
                shouldThrow<IndexOutOfBoundsException> { buffer.reserve(-1) }.message shouldBe "reserve(-1)"
                buffer.available() shouldBe 10
            }
        }
    }

    context("views") {
        test("one that was released is empty, and at the paranoid level never handed out again") {
            buffers { buffer, _ ->
                buffer.putLong(1)
                val view = buffer.next(4)
                val peek = buffer.peek(4)
                buffer.release()
                view.limit() shouldBe 0
                peek.limit() shouldBe 0
                buffer.peek(4) shouldNotBeSameInstanceAs peek
            }
        }

        test("otherwise it is handed out again: reading allocates nothing") {
            buffers(LeakDetection.OFF) { buffer, _ ->
                buffer.putLong(1)
                val view = buffer.next(4)
                buffer.release()
                view.limit() shouldBe 0
                buffer.next(4) shouldBeSameInstanceAs view
                view.remaining() shouldBe 4
            }
        }

        test("released memory is poisoned, where a duplicate of a view can show it") {
            buffers { buffer, _ ->
                buffer.putLong(1)
                val stale = buffer.next(8).duplicate()
                buffer.release()
                stale.getLong(0) shouldBe 0xDBDBDBDBDBDBDBDBuL.toLong()
            }
        }

        test("any number of them, over any number of segments, until the release") {
            buffers { buffer, pool ->
                buffer.put(ByteArray(100_000) { (it / 1000).toByte() })
                val views = List(100) { buffer.next(1000) }
                views.forEachIndexed { i, view -> view.remaining() shouldBe 1000; view[view.position()] shouldBe i.toByte() }
                buffer.release()
                views.all { !it.hasRemaining() } shouldBe true
                pool.statistics().lentSegments() shouldBe 0
            }
        }

        test("what was appended elsewhere stays in view, and closing the buffer ends it") {
            buffers { buffer, pool ->
                LinkBuffer(pool).use { target ->
                    buffer.put(ByteArray(2000) { 5 })
                    val view = buffer.peek(2000)
                    target.append(buffer)
                    target.skip(2000)
                    view[view.position() + 1999] shouldBe 5
                    buffer.close()
                    view.limit() shouldBe 0
                }
            }
        }

        test("they are big-endian, whatever was done to the last one") {
            buffers(LeakDetection.OFF) { buffer, _ ->
                buffer.putLong(1)
                buffer.next(4).order(ByteOrder.LITTLE_ENDIAN)
                buffer.release()
                buffer.next(4).getInt() shouldBe 1
            }
        }
    }

    context("mistakes") {
        test("taking more than there is says how many bytes there are, and takes none") {
            buffers { buffer, _ ->
                buffer.putString("abc")
                val reads = mapOf<String, LinkBuffer.() -> Any?>(
                    "next(4)" to { next(4) }, "peek(4)" to { peek(4) }, "skip(4)" to { skip(4) }, "slice(4)" to { slice(4) },
                    "takeBytes(4)" to { takeBytes(4) }, "takeString(4)" to { takeString(4) },
                    "takeInt(4)" to { takeInt() }, "takeLong(8)" to { takeLong() },
                    "next(-1)" to { next(-1) }, "peek(-1)" to { peek(-1) }, "skip(-1)" to { skip(-1) }, "slice(-1)" to { slice(-1) },
                    "takeBytes(-1)" to { takeBytes(-1) }, "takeString(-1)" to { takeString(-1) },
                )
                for ((name, read) in reads) {
                    shouldThrow<IndexOutOfBoundsException> { buffer.read() }.message shouldBe "$name: there are 3 bytes"
                }
                for (offset in listOf(-1L, 3L, Long.MAX_VALUE)) shouldThrow<IndexOutOfBoundsException> { buffer.getByte(offset) }
                for (offset in listOf(-1L, 0L, Long.MAX_VALUE)) shouldThrow<IndexOutOfBoundsException> { buffer.getInt(offset) }
                buffer.missing(10) shouldBe 7
                buffer.missing(3) shouldBe 0
                buffer.takeString(3) shouldBe "abc"
                buffer.next(0).remaining() shouldBe 0
                buffer.takeBytes(0).size shouldBe 0
            }
        }

        test("writing to a closed buffer is refused; reading finds nothing") {
            buffers { buffer, pool ->
                buffer.putInt(1)
                buffer.close()
                buffer.close()
                val writes = listOf<LinkBuffer.() -> Unit>(
                    { reserve(1) }, { putByte(1) }, { putShort(1) }, { putInt(1) }, { putLong(1) }, { put(ByteArray(1)) },
                    { put(ByteBuffer.allocate(1)) }, { putString("a") }, { putString("a", Charsets.UTF_16) },
                    { link(ByteBuffer.allocate(1)) }, { append(LinkBuffer(pool)) }, { openRoom() },
                )
                for (write in writes) {
                    shouldThrow<IllegalStateException> { buffer.write() }.message!! shouldContain "has been closed"
                }
                shouldThrow<IllegalStateException> { buffer.commit(0) }.message!! shouldContain "has been closed"
                buffer.available() shouldBe 0
                shouldThrow<IndexOutOfBoundsException> { buffer.takeByte() }.message!! shouldContain "has been closed"
                buffer.indexOf(1) shouldBe -1
                buffer.toString() shouldBe "buffer of 0 bytes, closed"
            }
        }

        test("a buffer cannot be appended to itself, and no delimiter is empty") {
            buffers { buffer, _ ->
                buffer.putString("abc")
                shouldThrow<IllegalArgumentException> { buffer.append(buffer) }.message!! shouldContain "itself"
                shouldThrow<IllegalArgumentException> { buffer.indexOf(ByteArray(0)) }.message!! shouldContain "at least one byte"
                shouldThrow<IllegalArgumentException> { buffer.takeUntil(ByteArray(0), 10) }
                shouldThrow<IndexOutOfBoundsException> { buffer.put(ByteArray(3), 2, 2) }
                buffer.takeString(3) shouldBe "abc"
            }
        }

        test("no write exceeds the buffer's limit; it says what to do, and what was linked stays the caller's") {
            buffers(limit = 10) { buffer, pool ->
                buffer.putLong(1)
                val writes = listOf<LinkBuffer.() -> Unit>(
                    { reserve(3) }, { putInt(1) }, { putLong(1) }, { put(ByteArray(3)) }, { put(ByteBuffer.allocate(3)) },
                    { putString("abc") }, { putString("é€") }, { link(ByteBuffer.allocate(3)) { error("given back") } },
                    { LinkBuffer(pool).use { other -> other.put(ByteArray(3)); append(other) } },
                )
                for (write in writes) {
                    val message = shouldThrow<NetparkException.LimitExceeded> { buffer.write() }.message!!
                    message shouldContain "holds 8: its limit is 10"
                    message shouldContain "flush more often"
                    buffer.available() shouldBe 8
                }
                buffer.putString("é")
                shouldThrow<NetparkException.LimitExceeded> { buffer.putByte(1) }
                buffer.takeLong() shouldBe 1
                buffer.putLong(2)
            }
        }
    }

    context("delimiters") {
        test("a line ends with LF or CRLF; what is malformed in it becomes U+FFFD") {
            buffers { buffer, _ ->
                buffer.putString("one\ntwo\r\n\n\r\na\rb\r\r\n")
                buffer.put(byteArrayOf(0xC3.toByte(), 'x'.code.toByte(), '\n'.code.toByte()))
                buffer.putString("rest")
                List(7) { buffer.takeLine(100) } shouldBe listOf("one", "two", "", "", "a\rb\r", "\uFFFDx", null)
                buffer.available() shouldBe 4
            }
        }

        test("one that is not among the first bytes that the limit allows is an error, and nothing is taken") {
            buffers { buffer, _ ->
                buffer.putString("12345\r\n")
                shouldThrow<NetparkException.LimitExceeded> { buffer.takeLine(6) }
                    .message shouldBe "the end of a line did not come within the limit of 6 bytes"
                shouldThrow<NetparkException.LimitExceeded> { buffer.takeUntil('\n'.code.toByte(), 6) }
                    .message shouldBe "the delimiter 10 did not come within the limit of 6 bytes"
                shouldThrow<NetparkException.LimitExceeded> { buffer.takeUntil("\r\n".toByteArray(), 6) }
                buffer.available() shouldBe 7
                buffer.takeUntil("\r\n".toByteArray(), 7)!!.remaining() shouldBe 7

                buffer.putString("12345")
                buffer.takeLine(6) shouldBe null
                shouldThrow<NetparkException.LimitExceeded> { buffer.takeLine(5) }
                buffer.takeUntil('\n'.code.toByte(), 6) shouldBe null
                buffer.available() shouldBe 5
            }
        }

        test("a search goes on where it has ended in vain, wherever the bytes come from") {
            buffers { buffer, pool ->
                val end = "\r\n--".toByteArray()
                buffer.putString("abc\r")
                buffer.indexOf(end) shouldBe -1
                buffer.skip(2)
                buffer.putString("\n")
                buffer.indexOf(end) shouldBe -1
                LinkBuffer(pool).use { it.putString("-"); buffer.append(it) }
                buffer.indexOf(end) shouldBe -1
                buffer.link(ByteBuffer.wrap("-x".toByteArray()))
                buffer.indexOf(end) shouldBe 1
                buffer.indexOf('x'.code.toByte()) shouldBe 5
                buffer.indexOf('y'.code.toByte()) shouldBe -1
                buffer.indexOf(end) shouldBe 1
            }
        }

        test("every byte is found at every distance, and none that only looks like it") {
            buffers { buffer, _ ->
                for (sought in listOf(0, 1, 0x7F, 0x80, 0x81, 0xFE, 0xFF)) {
                    for (other in listOf(sought xor 1, sought xor 0x80, sought + 1 and 0xFF)) {
                        for (distance in 0..17) {
                            buffer.put(ByteArray(distance) { other.toByte() })
                            buffer.putByte(sought)
                            buffer.indexOf(sought.toByte()) shouldBe distance
                            buffer.skip(distance + 1L)
                        }
                    }
                }
            }
        }
    }

    context("text") {
        val texts = listOf(
            "", "abc", "äöü €", "\u0000\u007F\u0080\u07FF\u0800\uFFFF", "😀\uDBFF\uDFFF", "\uD83D", "\uDE00", "a\uDE00\uD83Db",
            "\uD83D\uD83D\uDE00", "x".repeat(70_000), "€".repeat(70_000), "a" + "😀".repeat(50_000) + "\uD83D",
        )

        test("is written as the JDK would encode it, across segments, with ? for lone surrogates") {
            buffers { buffer, _ ->
                for (text in texts) {
                    val expected = text.toByteArray()
                    buffer.putString(text) shouldBe expected.size
                    buffer.putString(StringBuilder(text), Charsets.UTF_8) shouldBe expected.size
                    buffer.takeBytes(expected.size).contentEquals(expected) shouldBe true
                    buffer.takeString(expected.size) shouldBe String(expected)
                }
            }
        }

        val charsets = listOf("UTF-16", "UTF-16LE", "UTF-32", "ISO-8859-1", "US-ASCII", "windows-1252", "Shift_JIS", "ISO-2022-JP")
        for (charset in charsets.map(Charset::forName)) {
            test("in $charset is as the JDK would encode it") {
                buffers { buffer, _ ->
                    for (text in texts + "日本語".repeat(30_000)) {
                        val expected = text.toByteArray(charset)
                        buffer.putByte(0)
                        buffer.putString(text, charset) shouldBe expected.size
                        buffer.takeByte() shouldBe 0
                        buffer.peek(expected.size) shouldBe ByteBuffer.wrap(expected)
                        buffer.takeString(expected.size, charset) shouldBe String(expected, charset)
                        buffer.release()
                    }
                }
            }
        }
    }

    context("streams and channels") {
        test("carry the bytes both ways, with -1 at the last byte, after which more may come") {
            buffers { buffer, _ ->
                val input = buffer.asInputStream()
                val output = buffer.asOutputStream()
                input.read() shouldBe -1
                output.write(0x1FF)
                output.write("abcdef".toByteArray(), 1, 4)
                output.flush()
                output.close()
                input.available() shouldBe 5
                input.read() shouldBe 0xFF
                input.skip(100) shouldBe 4
                input.skip(-1) shouldBe 0
                input.read(ByteArray(3)) shouldBe -1
                input.read(ByteArray(3), 1, 0) shouldBe 0
                output.write(ByteArray(100_000) { it.toByte() })
                input.readAllBytes().contentEquals(ByteArray(100_000) { it.toByte() }) shouldBe true
                shouldThrow<IndexOutOfBoundsException> { input.read(ByteArray(3), 2, 2) }
                input.close()
                buffer.putByte(1)
                input.read() shouldBe 1
            }
        }

        test("a channel takes all, gives what there is, and stays open") {
            buffers { buffer, _ ->
                val source = buffer.asReadableChannel()
                val sink = buffer.asWritableChannel()
                source.read(ByteBuffer.allocate(1)) shouldBe -1
                source.read(ByteBuffer.allocate(0)) shouldBe 0
                sink.write(ByteBuffer.wrap(ByteArray(100_000))) shouldBe 100_000
                sink.close()
                source.close()
                (sink.isOpen && source.isOpen) shouldBe true
                source.read(ByteBuffer.allocate(60_000)) shouldBe 60_000
                source.read(ByteBuffer.allocateDirect(60_000)) shouldBe 40_000
                Channels.newReader(source, Charsets.UTF_8).use { reader ->
                    buffer.putString("äöü")
                    reader.readText() shouldBe "äöü"
                }
            }
        }
    }

    test("its text tells how much it holds") {
        buffers { buffer, pool ->
            buffer.putInt(1)
            buffer.toString() shouldBe "buffer of 4 bytes"
            buffer.pool() shouldBeSameInstanceAs pool
        }
    }
})

/** Runs [body] with an empty buffer, and checks that after its close nothing is lent. */
private fun buffers(
    level: LeakDetection = LeakDetection.PARANOID,
    limit: Long = Long.MAX_VALUE,
    body: (LinkBuffer, SegmentPool) -> Unit,
) {
    SegmentPool.builder().leakDetection(level).build().use { pool ->
        LinkBuffer(pool, limit).use { body(it, pool) }
        pool.statistics().lentSegments() shouldBe 0
        pool.statistics().lentBytes() shouldBe 0
        pool.statistics().lost() shouldBe 0
    }
}

/** As a read from a descriptor would do it. */
private fun LinkBuffer.fill(content: ByteArray) {
    val address = openRoom()
    Pointer(address).write(0, content, 0, content.size)
    filled(content.size)
}
