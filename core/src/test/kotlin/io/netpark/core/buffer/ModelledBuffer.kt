package io.netpark.core.buffer

import com.sun.jna.Pointer
import io.netpark.core.linux.IoVec
import io.netpark.core.memory.DirectBuffers
import io.netpark.core.sys.NetparkException
import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.nio.charset.Charset

/** A [LinkBuffer] beside the plain bytes that it must hold, and the views that must go on showing theirs. */
internal class ModelledBuffer(val real: LinkBuffer, private var bytes: ByteArray = ByteArray(0)) {

    private class View(val seen: ByteBuffer, val expected: ByteArray) {
        private val from = seen.position()

        fun check() {
            check(seen.duplicate().position(from) == ByteBuffer.wrap(expected)) { "a view of ${expected.size} bytes changed" }
        }
    }

    private class Reservation(val content: ByteArray)

    private val views = ArrayList<View>()
    private var reservation: Reservation? = null

    val size get() = bytes.size
    val isReserved get() = reservation != null

    /** Whether it has reason to hold memory. */
    val mayHoldMemory get() = size > 0 || isReserved || views.isNotEmpty()

    // Writing

    /** Nothing is written while room is reserved: whether that ends the reservation is not said. */
    fun write(content: ByteArray, operation: LinkBuffer.() -> Unit): Boolean {
        if (content.isEmpty() && isReserved) return false
        real.operation()
        reservation = null
        bytes += content
        return true
    }

    /** Reserves room and fills it, for [commit] some time later. */
    fun reserve(content: ByteArray) {
        val room = real.reserve(content.size)
        expect(content.size, room.remaining(), "room")
        expect(ByteOrder.BIG_ENDIAN, room.order(), "order")
        room.put(content)
        reservation = Reservation(content)
    }

    fun commit(part: (Int) -> Int) {
        val content = (reservation ?: return).content
        fails<IndexOutOfBoundsException>("reserved") { real.commit(content.size + 1) }
        fails<IndexOutOfBoundsException>("reserved") { real.commit(-1) }
        val count = part(content.size)
        real.commit(count)
        reservation = null
        bytes += content.copyOf(count)
        fails<IllegalStateException>("nothing is reserved") { real.commit(0) }
    }

    fun append(source: ModelledBuffer) {
        real.append(source.real)
        reservation = null
        source.reservation = null
        bytes += source.bytes
        source.bytes = ByteArray(0)
    }

    /** As a read from a descriptor would do it. */
    fun fill(content: ByteArray) {
        val address = real.openRoom()
        reservation = null
        check(real.roomSize() >= 4096) { "too little room to read into: ${real.roomSize()}" }
        val count = minOf(content.size, real.roomSize())
        Pointer(address).write(0, content, 0, count)
        real.filled(count)
        bytes += content.copyOf(count)
    }

    // Reading

    fun next(count: Int) {
        hold(real.next(count), take(count))
    }

    fun peek(count: Int) {
        hold(real.peek(count), bytes.copyOf(count))
    }

    private fun hold(view: ByteBuffer, expected: ByteArray) {
        expect(ByteOrder.BIG_ENDIAN, view.order(), "order")
        expect(expected.size, view.remaining(), "view")
        if (expected.isNotEmpty()) views += View(view, expected).also { it.check() }
    }

    fun release() {
        real.release()
        viewsShouldBeEmpty()
    }

    private fun viewsShouldBeEmpty() {
        for (view in views) expect(0, view.seen.limit(), "limit of a view after its release")
        views.clear()
    }

    fun <T> read(count: Int, expected: (ByteBuffer) -> T, operation: LinkBuffer.() -> T) {
        if (count > size) return
        expect(expected(ByteBuffer.wrap(bytes, 0, count)), real.operation(), "what was read")
        take(count)
    }

    fun get(offset: Int) {
        expect(bytes[offset], real.getByte(offset.toLong()), "byte at $offset")
        val at = offset.toLong()
        if (offset + 2 <= size) expect(ByteBuffer.wrap(bytes).getShort(offset), real.getShort(at), "short at $offset")
        if (offset + 4 <= size) expect(ByteBuffer.wrap(bytes).getInt(offset), real.getInt(at), "int at $offset")
        if (offset + 8 <= size) expect(ByteBuffer.wrap(bytes).getLong(offset), real.getLong(at), "long at $offset")
    }

    fun takeBytes(count: Int) = expectBytes(take(count), real.takeBytes(count))

    /** Into a buffer with room for [room] bytes behind some others. */
    fun takeInto(target: ByteBuffer, room: Int) {
        target.clear().position(3).limit(3 + room)
        val count = minOf(room, size)
        expect(count, real.take(target), "count")
        expect(3 + count, target.position(), "position")
        expectBytes(take(count), ByteArray(count).also { target.get(3, it) })
    }

    fun takeString(count: Int, charset: Charset) {
        expect(String(take(count), charset), real.takeString(count, charset), "text")
    }

    fun slice(count: Int) = ModelledBuffer(real.slice(count.toLong()), take(count))

    fun stream(count: Int) {
        expectBytes(take(count), real.asInputStream().readNBytes(count))
    }

    // Delimiters

    fun indexOf(delimiter: ByteArray) {
        expect(find(delimiter), real.indexOf(delimiter), "index of ${delimiter.toList()}")
    }

    fun indexOf(delimiter: Byte) {
        expect(find(byteArrayOf(delimiter)), real.indexOf(delimiter), "index of $delimiter")
    }

    fun takeUntil(delimiter: Byte, limit: Int) =
        until(byteArrayOf(delimiter), limit, { real.takeUntil(delimiter, limit) }) { view, length -> hold(view, take(length)) }

    fun takeUntil(delimiter: ByteArray, limit: Int) =
        until(delimiter, limit, { real.takeUntil(delimiter, limit) }) { view, length -> hold(view, take(length)) }

    fun takeLine(limit: Int) = until("\n".toByteArray(), limit, { real.takeLine(limit) }) { line, length ->
        val expected = String(take(length)).removeSuffix("\n").removeSuffix("\r")
        expect(expected, line, "line")
    }

    private fun <T : Any> until(delimiter: ByteArray, limit: Int, read: () -> T?, taken: (T, Int) -> Unit) {
        val index = find(delimiter)
        val length = if (index < 0) size + 1L else index + delimiter.size
        if (length > limit) {
            fails<NetparkException.LimitExceeded>("did not come within the limit of $limit bytes") { read() }
        } else if (index < 0) {
            expect(null, read(), "what is not complete")
        } else {
            taken(checkNotNull(read()), length.toInt())
        }
    }

    private fun find(sought: ByteArray): Long {
        val last = bytes.size - sought.size
        return (0..last).firstOrNull { at -> sought.indices.all { bytes[at + it] == sought[it] } }?.toLong() ?: -1
    }

    private fun take(count: Int): ByteArray {
        val taken = bytes.copyOf(count)
        bytes = bytes.copyOfRange(count, size)
        return taken
    }

    // Checks

    /** What is asked for too much is refused, and changes nothing. */
    fun refuseTooMuch() {
        val tooMany = size + 1
        fails<IndexOutOfBoundsException>("there are $size bytes") { real.next(tooMany) }
        fails<IndexOutOfBoundsException>("there are $size bytes") { real.peek(tooMany) }
        fails<IndexOutOfBoundsException>("there are $size bytes") { real.skip(tooMany.toLong()) }
        fails<IndexOutOfBoundsException>("there are $size bytes") { real.slice(tooMany.toLong()) }
        fails<IndexOutOfBoundsException>("there are $size bytes") { real.takeBytes(tooMany) }
        fails<IndexOutOfBoundsException>("there are $size bytes") { real.takeString(tooMany) }
        fails<IndexOutOfBoundsException>("") { real.getByte(size.toLong()) }
        fails<IndexOutOfBoundsException>("") { real.getShort(size - 1L) }
        fails<IndexOutOfBoundsException>("") { real.getInt(size - 3L) }
        fails<IndexOutOfBoundsException>("") { real.getLong(size - 7L) }
        if (size < 8) fails<IndexOutOfBoundsException>("takeLong") { real.takeLong() }
        if (size < 4) fails<IndexOutOfBoundsException>("takeInt") { real.takeInt() }
        if (size < 2) fails<IndexOutOfBoundsException>("takeShort") { real.takeShort() }
        if (size < 1) fails<IndexOutOfBoundsException>("takeByte") { real.takeByte() }
    }

    fun check() {
        expect(size.toLong(), real.available(), "available")
        expect(size.toLong(), real.buffered(), "buffered")
        for (view in views) view.check()
        if (views.isEmpty()) expect(0L, real.heldBytes(), "bytes held without a view")
        expect(size > 0, real.firstLength() > 0, "a first link with bytes")
    }

    /** Compares everything, as a write to a descriptor sees it. */
    fun checkGathered(iovecs: ByteBuffer) {
        val first = ByteArray(real.firstLength())
        val target = ByteBuffer.allocate(first.size + 2)
        expect(first.size, real.copyFirst(target, 2, first.size), "copied")
        target.get(2, first)
        expectBytes(bytes.copyOf(first.size), first)
        val address = real.firstAddress()
        if (address != 0L) expectBytes(first, Pointer(address).getByteArray(0, first.size))

        val count = real.gather(iovecs, 0, iovecs.capacity() / IoVec.SIZE)
        expect(address != 0L, count > 0, "gathered")
        var at = 0
        repeat(count) {
            val base = iovecs.getLong(it * IoVec.SIZE)
            val length = iovecs.getLong(it * IoVec.SIZE + 8).toInt()
            check(length > 0) { "an empty element" }
            expectBytes(bytes.copyOfRange(at, at + length), Pointer(base).getByteArray(0, length))
            at += length
        }
    }

    fun close() {
        real.close()
        viewsShouldBeEmpty()
        bytes = ByteArray(0)
        reservation = null
        check()
        fails<IllegalStateException>("closed") { real.putByte(1) }
        real.close()
    }
}

internal fun expect(expected: Any?, actual: Any?, what: String) =
    check(expected == actual) { "$what: expected ${expected.short()}, got ${actual.short()}" }

private fun Any?.short() = toString().let { if (it.length > 200) it.take(200) + "... (${it.length} characters)" else it }

internal fun expectBytes(expected: ByteArray, actual: ByteArray) {
    val at = expected.asList().indices.takeIf { !expected.contentEquals(actual) } ?: return
    val first = at.firstOrNull { it >= actual.size || actual[it] != expected[it] } ?: expected.size
    error("${actual.size} bytes, of which byte $first is wrong; expected ${expected.size}")
}

internal inline fun <reified T : Throwable> fails(message: String, block: () -> Unit): T {
    val failure = try {
        block()
        null
    } catch (e: Throwable) {
        e
    }
    check(failure is T) { "expected ${T::class.simpleName}, got $failure" }
    check(message in failure.message.orEmpty()) { "expected '$message' in: ${failure.message}" }
    return failure
}

/** Where a view's first byte is. */
internal fun addressOf(view: ByteBuffer): Long = DirectBuffers.address(view) + view.position()
