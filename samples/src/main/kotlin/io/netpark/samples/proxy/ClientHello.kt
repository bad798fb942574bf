package io.netpark.samples.proxy

import io.netpark.coroutines.Reader
import java.nio.BufferUnderflowException
import java.nio.ByteBuffer

/**
 * The first message of a client that speaks TLS, as far as it matters here: the server's name is in it, before anything is encrypted
 * (RFC 8446, 4.1.2; SNI, RFC 6066, 3).
 *
 * @property serverName in lower case; null if the client asks for none
 */
internal class ClientHello private constructor(val serverName: String?) {

    /** What some bytes say. */
    internal sealed interface Reading {
        /** So many bytes from the beginning say more. */
        class Incomplete(val needed: Int) : Reading

        class Complete(val hello: ClientHello) : Reading

        /** It is none, or goes beyond what clients send. */
        object Alien : Reading
    }

    companion object {
        private const val RECORD_HEADER = 5
        private const val HANDSHAKE: Byte = 22
        private const val LONGEST_RECORD = 16_384
        private const val CLIENT_HELLO: Byte = 1
        private const val MESSAGE_HEADER = 4
        /** The key shares of today's clients come to 2 KiB. */
        private const val LONGEST = 16_384
        private const val MOST_RECORDS = 8
        private const val SERVER_NAME = 0
        private const val HOST_NAME: Byte = 0

        /** The alert for a name that nobody here has, which ends the handshake (RFC 8446, 6.2): a whole record. */
        val UNRECOGNIZED_NAME: ByteArray = byteArrayOf(21, 3, 3, 0, 2, 2, 112)

        /**
         * Waits for it, and leaves all bytes where they are: who reads next gets them.
         *
         * @return null if the client speaks something else, or says nothing before its end
         */
        suspend fun await(reader: Reader): ClientHello? {
            if (!reader.await()) return null
            var count = 1
            while (true) {
                val reading = read(reader.peek(count))
                reader.release()
                when (reading) {
                    is Reading.Complete -> return reading.hello
                    Reading.Alien -> return null
                    is Reading.Incomplete -> count = reading.needed
                }
                reader.awaitRest(count)
            }
        }

        /** It may lie in several records, cut anywhere. */
        fun read(bytes: ByteBuffer): Reading {
            val message = ByteBuffer.allocate(LONGEST)
            val input = bytes.duplicate()
            repeat(MOST_RECORDS) {
                val start = input.position() - bytes.position()
                if (input.hasRemaining() && input.get(input.position()) != HANDSHAKE) return Reading.Alien
                if (input.remaining() < RECORD_HEADER) return Reading.Incomplete(start + RECORD_HEADER)
                input.position(input.position() + RECORD_HEADER)
                val length = input.getShort(input.position() - Short.SIZE_BYTES).toInt() and 0xFFFF
                if (length !in 1..minOf(LONGEST_RECORD, message.remaining())) return Reading.Alien
                if (input.remaining() < length) return Reading.Incomplete(start + RECORD_HEADER + length)
                message.put(input.duplicate().limit(input.position() + length))
                input.position(input.position() + length)
                val so = message.duplicate().flip()
                if (so.get(0) != CLIENT_HELLO) return Reading.Alien
                if (so.remaining() >= MESSAGE_HEADER) {
                    val whole = MESSAGE_HEADER + (so.getInt(0) and 0xFFFFFF)
                    if (so.remaining() >= whole) return parse(so.limit(whole).position(MESSAGE_HEADER))
                }
            }
            return Reading.Alien
        }

        private fun parse(body: ByteBuffer): Reading = try {
            body.skip(2 + 32) // version and random
            body.skip(body.get().toInt() and 0xFF) // session
            body.skip(body.length16()) // cipher suites
            body.skip(body.get().toInt() and 0xFF) // compression
            Reading.Complete(ClientHello(if (body.hasRemaining()) nameIn(body.part(body.length16())) else null))
        } catch (_: BufferUnderflowException) {
            Reading.Alien
        }

        private fun nameIn(extensions: ByteBuffer): String? {
            while (extensions.hasRemaining()) {
                val type = extensions.length16()
                val extension = extensions.part(extensions.length16())
                if (type != SERVER_NAME) continue
                val names = extension.part(extension.length16())
                while (names.hasRemaining()) {
                    val kind = names.get()
                    val name = names.part(names.length16())
                    if (kind == HOST_NAME) return Charsets.ISO_8859_1.decode(name).toString().lowercase().removeSuffix(".")
                }
            }
            return null
        }

        private fun ByteBuffer.length16(): Int = short.toInt() and 0xFFFF

        private fun ByteBuffer.skip(count: Int) {
            if (count > remaining()) throw BufferUnderflowException()
            position(position() + count)
        }

        private fun ByteBuffer.part(count: Int): ByteBuffer {
            val start = position()
            skip(count)
            return duplicate().limit(start + count).position(start)
        }
    }
}
