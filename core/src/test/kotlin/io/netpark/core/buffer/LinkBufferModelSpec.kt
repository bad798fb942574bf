package io.netpark.core.buffer

import io.netpark.core.linux.IoVec
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.RecordingReporter
import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.nio.charset.Charset
import kotlin.random.Random

class LinkBufferModelSpec : NetparkSpec(body = {
    test("any script leaves the bytes that a list would hold, in links of a few bytes") {
        runScripts(scripts = 6000, steps = 60, largest = 300)
    }

    test("any script leaves the bytes that a list would hold, across small segments") {
        runScripts(scripts = 4000, steps = 60, largest = 5000)
    }

    test("any script leaves the bytes that a list would hold, across all segments") {
        runScripts(scripts = 2000, steps = 60, largest = 70_000)
    }
})

private fun runScripts(scripts: Int, steps: Int, largest: Int) {
    val reporter = RecordingReporter()
    SegmentPool.builder().leakDetection(LeakDetection.PARANOID).reporter(reporter).build().use { pool ->
        val seeds = Random.Default
        repeat(scripts) {
            val seed = seeds.nextLong()
            val script = Script(pool, Random(seed), largest)
            try {
                script.run(steps)
            } catch (e: Throwable) {
                throw AssertionError("seed $seed, largest $largest: $e\nafter ${script.trace.joinToString("; ")}", e)
            }
        }
    }
    reporter.shouldBeSilent()
}

/** What all scripts write: windows of it, so that drawing content costs nothing. */
private const val STOCK = 256 * 1024
private val noise = Random(1).nextBytes(STOCK)
private val lines = Random(2).let { random -> ByteArray(STOCK) { "ab\r\n"[random.nextInt(4)].code.toByte() } }
private val longLines = Random(3).let { random ->
    ByteArray(STOCK) { if (random.nextInt(3000) == 0) '\n'.code.toByte() else "ab\r"[random.nextInt(3)].code.toByte() }
}
private val characters = listOf("a", "~", "é", "߿", "ࠀ", "€", "\uFFFF", "😀", "\uD83D", "\uDE00", "\n")
private val charsets = listOf(
    Charsets.UTF_8, Charsets.ISO_8859_1, Charsets.US_ASCII, Charsets.UTF_16, Charsets.UTF_16LE, Charsets.UTF_32,
    Charset.forName("ISO-2022-JP"),
)
private val borders = listOf(1, 2, 3, 4, 7, 8, 9, 1023, 1024, 1025, 4095, 4096, 4097, 16383, 16384, 16385, 65535, 65536, 65537)

/** Draws operations on a few buffers of one pool. */
private class Script(private val pool: SegmentPool, private val random: Random, private val largest: Int) {

    val trace = ArrayList<String>()
    private val stock = listOf(noise, lines, longLines).random(random)
    private val directStock = ByteBuffer.allocateDirect(largest).put(stock, 0, largest)
    private val near = borders.filter { it <= largest }
    private val target = listOf(ByteBuffer.allocate(largest + 3), ByteBuffer.allocateDirect(largest + 3)).random(random)
    private val iovecs = ByteBuffer.allocateDirect(8 * IoVec.SIZE).order(ByteOrder.nativeOrder())
    private val buffers = ArrayList<ModelledBuffer>()
    private var linked = 0
    private var released = 0

    fun run(steps: Int) {
        repeat(3) { buffers += ModelledBuffer(LinkBuffer(pool)) }
        try {
            repeat(steps) {
                val buffer = buffers.random(random)
                step(buffer)
                for (each in buffers) each.check()
                if (buffers.none { it.mayHoldMemory }) holdsNothing()
            }
            for (buffer in buffers) {
                buffer.checkGathered(iovecs)
                if (random.nextBoolean()) buffer.takeBytes(buffer.size)
            }
        } finally {
            for (buffer in buffers) buffer.close()
        }
        holdsNothing()
        expect(linked, released, "linked buffers given back")
    }

    private fun holdsNothing() {
        val statistics = pool.statistics()
        expect(0L, statistics.lentSegments(), "lent segments")
        expect(0L, statistics.lentBytes(), "lent bytes")
        expect(0L, statistics.lost(), "lost segments")
    }

    // Draws

    /** Often near a border, else of any order of magnitude. */
    private fun length(atMost: Int = largest): Int = when {
        atMost <= 0 -> 0
        random.nextInt(4) == 0 -> minOf(atMost, near.random(random))
        else -> random.nextInt(minOf(atMost, 1 shl random.nextInt(18)) + 1)
    }

    private fun part(of: Int): Int = if (random.nextInt(4) == 0) of else length(of)

    private fun content(length: Int = length()): ByteArray {
        val from = random.nextInt(STOCK - length + 1)
        return stock.copyOfRange(from, from + length)
    }

    private fun text(): String {
        val length = part(minOf(largest, 20_000))
        return when (random.nextInt(3)) {
            0 -> "x".repeat(length)
            1 -> characters.random(random).repeat(length / 4)
            else -> buildString { repeat(length / 4) { append(characters.random(random)) } }
        }
    }

    private fun delimiter() = listOf("\n", "\r\n", "ab", "aab", "\r\r\r\r\n").random(random).toByteArray()

    private fun step(buffer: ModelledBuffer) {
        val index = buffers.indexOf(buffer)
        // While there is much it only reads, so that buffers run empty now and then.
        when (val choice = random.nextInt(if (buffer.size > 2 * largest) 12 else 0, 54)) {
            0, 1 -> content().let { trace(index, "put array ${it.size}"); putArray(buffer, it) }
            2 -> content().let { trace(index, "put buffer ${it.size}"); putBuffer(buffer, it) }
            3 -> number(index, buffer)
            4 -> text().let { text ->
                trace(index, "put string ${text.length}")
                val bytes = text.toByteArray()
                buffer.write(bytes) { expect(bytes.size, putString(text), "bytes of text") }
            }
            5 -> {
                val text = text()
                val charset = charsets.random(random)
                trace(index, "put $charset ${text.length}")
                val bytes = text.toByteArray(charset)
                buffer.write(bytes) { expect(bytes.size, putString(text, charset), "bytes of $charset") }
            }
            6, 7, 8 -> content().let { trace(index, "reserve ${it.size}"); buffer.reserve(it) }
            9 -> link(index, buffer)
            10, 11 -> content().let { trace(index, "fill ${it.size}"); buffer.fill(it) }
            in 12..15 -> { trace(index, "commit"); buffer.commit(::part) }
            16, 17 -> {
                val other = buffers.random(random)
                trace(index, "append ${buffers.indexOf(other)}")
                if (other === buffer) {
                    fails<IllegalArgumentException>("itself") { buffer.real.append(other.real) }
                } else {
                    buffer.append(other)
                }
            }
            18, 19, 20, 21 -> part(buffer.size).let { trace(index, "next $it"); buffer.next(it) }
            22, 23 -> part(buffer.size).let { trace(index, "peek $it"); buffer.peek(it) }
            24, 25 -> part(buffer.size).let { count ->
                trace(index, "skip $count")
                buffer.read(count, {}) { skip(count.toLong()) }
            }
            26 -> part(buffer.size).let { trace(index, "take array $it"); buffer.takeBytes(it) }
            27 -> length().let { trace(index, "take into $it"); buffer.takeInto(target, it) }
            28 -> {
                val count = part(buffer.size)
                val charset = charsets.random(random)
                trace(index, "take $charset $count")
                buffer.takeString(count, charset)
            }
            29, 30 -> slice(index, buffer)
            31, 32 -> { trace(index, "release"); buffer.release() }
            33 -> { trace(index, "trim"); buffer.real.trim() }
            34, 35 -> delimiter().let { trace(index, "index of ${it.size}"); buffer.indexOf(it) }
            36 -> delimiter().let { trace(index, "index of one"); buffer.indexOf(it.last()) }
            37, 38 -> length().let { trace(index, "line $it"); buffer.takeLine(it) }
            39 -> length().let { trace(index, "until one $it"); buffer.takeUntil(delimiter().last(), it) }
            40 -> length().let { trace(index, "until $it"); buffer.takeUntil(delimiter(), it) }
            41 -> if (buffer.size > 0) buffer.get(random.nextInt(buffer.size))
            42 -> { trace(index, "gather"); buffer.checkGathered(iovecs) }
            43 -> part(buffer.size).let { trace(index, "stream $it"); buffer.stream(it) }
            44 -> { trace(index, "too much"); buffer.refuseTooMuch() }
            45 -> if (random.nextInt(4) == 0) {
                trace(index, "close")
                buffer.close()
                buffers[index] = ModelledBuffer(LinkBuffer(pool))
            }
            else -> takeNumber(index, buffer, choice)
        }
    }

    private fun trace(buffer: Int, operation: String) {
        trace += "$buffer: $operation"
    }

    private fun putArray(buffer: ModelledBuffer, content: ByteArray) {
        if (random.nextBoolean()) {
            buffer.write(content) { put(content) }
        } else {
            val padded = ByteArray(5) + content + ByteArray(2)
            buffer.write(content) { put(padded, 5, content.size) }
        }
    }

    private fun putBuffer(buffer: ModelledBuffer, content: ByteArray) {
        val source = (if (random.nextBoolean()) ByteBuffer.allocate(content.size + 9) else ByteBuffer.allocateDirect(content.size + 9))
            .position(4).put(content).flip().position(4)
        buffer.write(content) { if (random.nextBoolean()) put(source) else asWritableChannel().write(source) }
        expect(0, source.remaining(), "bytes left in the source")
    }

    private fun number(index: Int, buffer: ModelledBuffer) {
        val value = random.nextLong()
        val bytes = ByteBuffer.allocate(8)
        val kind = random.nextInt(7)
        trace(index, "put number $kind")
        when (kind) {
            0 -> buffer.write(byteArrayOf(value.toByte())) { putByte(value.toInt()) }
            1 -> buffer.write(bytes.putShort(value.toShort()).written()) { putShort(value.toInt()) }
            2 -> buffer.write(bytes.order(ByteOrder.LITTLE_ENDIAN).putShort(value.toShort()).written()) { putShortLe(value.toInt()) }
            3 -> buffer.write(bytes.putInt(value.toInt()).written()) { putInt(value.toInt()) }
            4 -> buffer.write(bytes.order(ByteOrder.LITTLE_ENDIAN).putInt(value.toInt()).written()) { putIntLe(value.toInt()) }
            5 -> buffer.write(bytes.putLong(value).written()) { putLong(value) }
            else -> buffer.write(bytes.order(ByteOrder.LITTLE_ENDIAN).putLong(value).written()) { putLongLe(value) }
        }
    }

    private fun ByteBuffer.written() = array().copyOf(position())

    private fun takeNumber(index: Int, buffer: ModelledBuffer, choice: Int) {
        trace(index, "take number $choice")
        when (choice) {
            46 -> buffer.read(1, ByteBuffer::get) { takeByte() }
            47 -> buffer.read(2, ByteBuffer::getShort) { takeShort() }
            48 -> buffer.read(2, { it.order(ByteOrder.LITTLE_ENDIAN).getShort() }) { takeShortLe() }
            49 -> buffer.read(4, ByteBuffer::getInt) { takeInt() }
            50 -> buffer.read(8, ByteBuffer::getLong) { takeLong() }
            51 -> buffer.read(2, { it.getShort().toInt() and 0xFFFF }) { takeUnsignedShort() }
            52 -> buffer.read(4, { it.order(ByteOrder.LITTLE_ENDIAN).getInt() }) { takeIntLe() }
            else -> buffer.read(8, { it.order(ByteOrder.LITTLE_ENDIAN).getLong() }) { takeLongLe() }
        }
    }

    private fun link(index: Int, buffer: ModelledBuffer) {
        if (random.nextBoolean()) {
            val content = content()
            trace(index, "link heap ${content.size}")
            buffer.link(content, ByteBuffer.wrap(content))
        } else {
            val from = random.nextInt(directStock.capacity())
            val to = from + length(minOf(largest, directStock.capacity() - from))
            trace(index, "link direct ${to - from}")
            buffer.link(stock.copyOfRange(from, to), directStock.duplicate().limit(to).position(from))
        }
    }

    private fun ModelledBuffer.link(content: ByteArray, source: ByteBuffer) {
        if (write(content) { link(source) { released++ } }) {
            linked++
            expect(0, source.remaining(), "bytes left in the source")
        }
    }

    /** The slice takes the place of another buffer, which is closed. */
    private fun slice(index: Int, buffer: ModelledBuffer) {
        val count = part(buffer.size)
        trace(index, "slice $count")
        val slice = buffer.slice(count)
        val other = buffers.indices.filter { it != index }.random(random)
        buffers[other].close()
        buffers[other] = slice
    }
}
