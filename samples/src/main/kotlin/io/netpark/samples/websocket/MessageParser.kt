package io.netpark.samples.websocket

import io.netpark.core.buffer.BufferReader
import io.netpark.core.buffer.LinkBuffer
import io.netpark.core.buffer.SegmentPool
import io.netpark.core.sys.NetparkException
import java.nio.ByteBuffer

/**
 * The server's half of RFC 6455: takes a client's bytes, and makes messages and control frames of them. It knows no transport: a
 * coroutine feeds it, and so does a callback.
 *
 * What has come of a message is unmasked, checked and kept in pooled segments, so nothing is allocated for one, and a parser that
 * waits for the next message holds no memory. Mistakes are found as early as their bytes are there.
 *
 * It is the sample's own because the maintained codec that can be used without its transport, the one of Java-WebSocket 1.6, makes
 * frames only: putting fragments together is its connection's business, and an incomplete frame waits in an array of its full
 * length. It allocates 256 bytes for a message of 32 bytes and 4 387 for one of 4 KiB, here it is none
 * (`bench/run jmh WebSocketMessages`).
 *
 * NOT thread safe. Ownership: whoever makes it closes it.
 *
 * @param limit the most bytes of a message, of all its fragments together
 */
class MessageParser(private val limit: Int, pool: SegmentPool = SegmentPool.shared()) : AutoCloseable {

    private val message = LinkBuffer(pool)
    private val control = LinkBuffer(pool)
    private val utf8 = Utf8Check()

    /** Of the message in progress; null between two. */
    private var kind: Arrival? = null

    // The frame in progress

    private var inFrame = false
    private var opcode = 0
    private var isFinal = false
    private var missing = 0L

    /** The next byte is masked by its highest byte. */
    private var mask = 0

    /** What [next] has returned: to be read or moved elsewhere. What is left of it is dropped by the next call. */
    var payload: LinkBuffer = message
        private set

    /** The code of the close frame that [next] has returned; null if it had none. */
    var closeCode: Int? = null
        private set

    /** Its reason, for people. */
    var closeReason: String = ""
        private set

    /**
     * Takes as many bytes as belong to one message or control frame.
     *
     * @return what is complete now, with its [payload]; null if all bytes are taken that can be, and more must come
     * @throws WebSocketFailure the client has broken a rule: nothing that follows can be understood
     * @throws NetparkException.LimitExceeded the pool has no memory for it
     */
    @Throws(WebSocketFailure::class, NetparkException.LimitExceeded::class)
    fun next(input: BufferReader): Arrival? {
        dropRead()
        while (true) {
            if (!inFrame && !readHead(input)) return null
            if (!readPayload(input)) return null
            inFrame = false
            if (isControl) return controlFrame()
            if (isFinal) return message()
        }
    }

    private val isControl: Boolean get() = opcode and Opcode.CONTROL != 0

    private fun dropRead() {
        if (payload === control || kind == null) {
            payload.skip(payload.available())
            payload.release()
        }
        payload = message
    }

    // The head

    private fun readHead(input: BufferReader): Boolean {
        if (input.available() < 2) return false
        val first = input.getByte(0).toInt() and 0xFF
        val second = input.getByte(1).toInt() and 0xFF
        check(first, second)
        val shortLength = second and MASKED.inv()
        val lengthBytes = when (shortLength) {
            LENGTH_IN_SHORT -> Short.SIZE_BYTES
            LENGTH_IN_LONG -> Long.SIZE_BYTES
            else -> 0
        }
        if (input.available() < 2 + lengthBytes + Int.SIZE_BYTES) return false
        input.skip(2)
        val length = when (lengthBytes) {
            0 -> shortLength.toLong()
            Short.SIZE_BYTES -> input.takeShort().toLong() and 0xFFFF
            else -> input.takeLong()
        }
        checkForm(length, lengthBytes)
        mask = input.takeInt()
        missing = length
        opcode = first and 0x0F
        isFinal = first and FINAL != 0
        if (!isControl) checkLimit()
        if (opcode == Opcode.TEXT || opcode == Opcode.BINARY) begin()
        inFrame = true
        return true
    }

    /** Of the first two bytes everything that can be wrong. May come again: bytes of the head may be missing still. */
    private fun check(first: Int, second: Int) {
        if (first and RESERVED != 0) protocolError("a reserved bit is set, and no extension was agreed on")
        if (second and MASKED == 0) protocolError("a client's frame is not masked")
        when (val opcode = first and 0x0F) {
            Opcode.CONTINUATION -> if (kind == null) protocolError("a continuation of nothing")
            Opcode.TEXT, Opcode.BINARY -> if (kind != null) protocolError("a new message in the midst of a fragmented one")
            Opcode.CLOSE, Opcode.PING, Opcode.PONG -> {
                if (first and FINAL == 0) protocolError("a fragmented control frame")
                if (second and MASKED.inv() > LONGEST_CONTROL) protocolError("a control frame over $LONGEST_CONTROL bytes")
            }
            else -> protocolError("opcode $opcode is not defined")
        }
    }

    private fun checkForm(length: Long, lengthBytes: Int) {
        val isShortest = when (lengthBytes) {
            0 -> true
            Short.SIZE_BYTES -> length >= LENGTH_IN_SHORT
            else -> length !in 0..LARGEST_SHORT // negative: the top bit is set
        }
        if (!isShortest || length < 0) protocolError("a length that is not in its shortest form")
    }

    /** Not of control frames: they have a limit of their own, and may come between the fragments of a message (5.5). */
    private fun checkLimit() {
        if (missing > limit - message.available()) {
            throw WebSocketFailure(CloseCode.TOO_BIG, "a message may have $limit bytes")
        }
    }

    private fun begin() {
        kind = if (opcode == Opcode.TEXT) Arrival.TEXT else Arrival.BINARY
        utf8.reset()
    }

    // The payload

    private fun readPayload(input: BufferReader): Boolean {
        val target = if (isControl) control else message
        while (missing > 0) {
            val count = minOf(missing, input.available(), MOST_AT_ONCE).toInt()
            if (count == 0) return false
            val room = target.reserve(count)
            val from = room.position()
            unmask(input.next(count), room, count)
            input.release()
            val isText = !isControl && kind == Arrival.TEXT
            val isWrong = isText && !utf8.accept(room, from, from + count)
            target.commit(count)
            if (isWrong) notUtf8()
            missing -= count
        }
        return true
    }

    /** RFC 6455, 5.3, eight bytes at a time. Leaves the mask turned as the bytes behind these need it. */
    private fun unmask(source: ByteBuffer, target: ByteBuffer, count: Int) {
        var from = source.position()
        var to = target.position()
        val end = from + count
        val wide = mask.toLong() shl Int.SIZE_BITS or (mask.toLong() and 0xFFFF_FFFFL)
        while (from + Long.SIZE_BYTES <= end) {
            target.putLong(to, source.getLong(from) xor wide)
            from += Long.SIZE_BYTES
            to += Long.SIZE_BYTES
        }
        while (from < end) {
            target.put(to++, (source.get(from++).toInt() xor (mask ushr HIGHEST_BYTE)).toByte())
            mask = mask.rotateLeft(Byte.SIZE_BITS)
        }
    }

    // What is complete

    private fun message(): Arrival? {
        val complete = kind
        if (complete == Arrival.TEXT && !utf8.isComplete) notUtf8()
        kind = null
        return complete
    }

    private fun controlFrame(): Arrival {
        payload = control
        return when (opcode) {
            Opcode.PING -> Arrival.PING
            Opcode.PONG -> Arrival.PONG
            else -> Arrival.CLOSE.also { readClose() }
        }
    }

    private fun readClose() {
        closeCode = null
        closeReason = ""
        if (control.available() == 0L) return
        if (control.available() < Short.SIZE_BYTES) protocolError("half a close code")
        val code = control.takeShort().toInt() and 0xFFFF
        if (!CloseCode.isSendable(code)) protocolError("$code is no close code")
        val length = control.available().toInt()
        if (length > 0) {
            val reason = control.peek(length)
            val check = Utf8Check()
            val isRight = check.accept(reason, reason.position(), reason.limit()) && check.isComplete
            control.release()
            if (!isRight) notUtf8()
        }
        closeCode = code
        closeReason = control.takeString(length)
    }

    private fun protocolError(what: String): Nothing = throw WebSocketFailure(CloseCode.PROTOCOL_ERROR, what)

    private fun notUtf8(): Nothing = throw WebSocketFailure(CloseCode.NOT_UTF8, "not UTF-8")

    /** Drops what it holds. Calling it again has no effect. */
    override fun close() {
        message.close()
        control.close()
    }

    private companion object {
        const val RESERVED = 0x70
        const val HIGHEST_BYTE = 24

        /** Small enough for room that is there, or comes from the pool in its smaller sizes. */
        const val MOST_AT_ONCE = 4096L
    }
}
