package io.netpark.core.testing.tls

import java.util.SplittableRandom

/** Spoils TLS records, by a seed: flips bits, cuts, repeats, swaps, inserts, and says wrong lengths. */
class Mutation(private val random: SplittableRandom) {

    /** What becomes of what should have been sent. */
    fun of(bytes: ByteArray): ByteArray {
        var records = split(bytes)
        repeat(1 + random.nextInt(3)) { records = change(records) }
        return join(records)
    }

    private fun change(records: List<ByteArray>): List<ByteArray> {
        if (records.isEmpty()) return listOf(noise(1 + random.nextInt(50)))
        val at = random.nextInt(records.size)
        val record = records[at]
        return when (random.nextInt(14)) {
            0 -> records.with(at, record.also { r -> repeat(1 + random.nextInt(8)) { r.flip() } })
            1 -> records.with(at, record.copyOf(random.nextInt(record.size + 1)))
            2 -> records.take(at) // and nothing more
            3 -> records.take(at) + List(1 + random.nextInt(20)) { record.clone() } + records.drop(at)
            4 -> records.toMutableList().also { it.add(random.nextInt(it.size), it.removeAt(at)) }
            5 -> records.take(at) + listOf(noise(1 + random.nextInt(300))) + records.drop(at)
            6 -> records.with(at, record.also { it.setLength(random.nextInt(0x10000)) })
            7 -> records.with(at, record.also { it.setLength(maxOf(0, it.size - 5 + random.nextInt(-3, 4))) })
            8 -> records.with(at, record.also { r -> if (r.size > 8) r.noiseAt(5, 4) }) // type and length of a message
            9 -> records.with(at, record.also { it.noiseAt(0, 3) }) // type and version of the record
            10 -> records.take(at) + fragments(record) + records.drop(at + 1)
            11 -> records.take(at) + List(1 + random.nextInt(200)) { emptyRecord() } + records.drop(at)
            12 -> records.with(at, record.also { r -> if (r.size > 7) r.noiseAt(random.nextInt(5, r.size - 1), 2) }) // a field's length, say
            else -> records.with(at, record + noise(1 + random.nextInt(100)))
        }
    }

    private fun emptyRecord() = byteArrayOf(TYPES[random.nextInt(TYPES.size)], 3, 3, 0, 0)

    private fun List<ByteArray>.with(at: Int, record: ByteArray) = toMutableList().also { it[at] = record }

    private fun ByteArray.flip() {
        if (isNotEmpty()) random.nextInt(size).let { this[it] = (this[it].toInt() xor (1 shl random.nextInt(8))).toByte() }
    }

    private fun ByteArray.noiseAt(start: Int, count: Int) {
        for (i in start until minOf(size, start + count)) this[i] = random.nextInt(256).toByte()
    }

    private fun ByteArray.setLength(length: Int) {
        if (size < 5) return
        this[3] = (length shr 8).toByte()
        this[4] = length.toByte()
    }

    /** The same in records of a few bytes each. */
    private fun fragments(record: ByteArray): List<ByteArray> {
        if (record.size < 6) return listOf(record)
        val most = 1 + random.nextInt(8)
        return record.drop(5).chunked(most).map { record.copyOf(3) + byteArrayOf(0, it.size.toByte()) + it.toByteArray() }
    }

    private fun noise(count: Int) = ByteArray(count) { random.nextInt(256).toByte() }

    private fun split(bytes: ByteArray): List<ByteArray> {
        val records = mutableListOf<ByteArray>()
        var at = 0
        while (at < bytes.size) {
            val length = if (bytes.size - at < 5) 0 else (bytes[at + 3].toInt() and 0xFF) * 256 + (bytes[at + 4].toInt() and 0xFF)
            val end = minOf(bytes.size, at + 5 + length)
            records += bytes.copyOfRange(at, end)
            at = end
        }
        return records
    }

    private fun join(records: List<ByteArray>): ByteArray {
        val all = ByteArray(records.sumOf { it.size })
        var at = 0
        for (record in records) {
            record.copyInto(all, at)
            at += record.size
        }
        return all
    }

    private companion object {
        val TYPES = byteArrayOf(20, 21, 22, 23, 24)
    }
}
