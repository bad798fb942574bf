package io.netpark.coroutines.simulation

import java.util.concurrent.atomic.AtomicLong
import kotlin.random.Random
import kotlin.time.Duration
import kotlin.time.Duration.Companion.ZERO
import kotlin.time.Duration.Companion.microseconds

/** What happens to connections, beside that both sides say what they have to say. */
internal enum class Trouble(val breaks: Boolean, val interrupts: Boolean) {
    NONE(false, false),

    /** Reads and writes are given up and begun again. */
    CANCELLED(false, true),

    /** As those, by the connection's own time limits. */
    TIMED(false, true),

    /** As those, by deadlines that are taken back. */
    DEADLINES(false, true),

    /** The client closes it at some moment. */
    CLOSE(true, false),

    /** The network resets it after some bytes. */
    RESET(true, false),

    /** The server's loops end at some moment. */
    END_OF_SERVER(true, false),

    /** The server shuts down in phases, from some moment on. */
    SHUTDOWN(true, false),

    /** Reactors get more loops and fewer. */
    RESIZE(false, false),
}

/** What happens to the connections of a program: one trouble, or two at a time. */
internal class Troubles private constructor(private val kinds: Set<Trouble>) {
    /** Whether a connection may end before everything has been said. */
    val breaks = kinds.any { it.breaks }
    /** Whether it may for another reason than that the client closes it. */
    val breaksUnasked = kinds.any { it.breaks && it != Trouble.CLOSE }
    val interrupts = kinds.any { it.interrupts }

    operator fun contains(kind: Trouble): Boolean = kind in kinds

    override fun toString(): String = kinds.joinToString(" and ")

    companion object {
        fun draw(random: Random): Troubles {
            val (first, second) = List(2) { Trouble.entries.random(random) }
            val isAlone = random.nextInt(3) > 0 || first == Trouble.NONE || second == Trouble.NONE || first.interrupts && second.interrupts
            return Troubles(if (isAlone) setOf(first) else setOf(first, second))
        }
    }
}

internal enum class Way(val isWhole: Boolean) { ARRAY(true), FRAMES(true), BUFFER(false), BUFFERS(false), WRITER(false), FILE(false) }

internal enum class Ear { HEAP, DIRECT, BUFFERS, READER }

/** Some bytes that are said in one go, after a pause. */
internal class Piece(random: Random, troubles: Troubles) {
    val length = 1 + random.nextInt(listOf(60, 1500, 6000).random(random))
    val pause = pause(random)
    val way = Way.entries.filter { !(troubles.interrupts && it.isWhole) }.random(random)
}

internal fun pause(random: Random): Duration = if (random.nextBoolean()) ZERO else random.nextInt(12_000).microseconds

/** What goes over a connection in one direction, and how. */
internal class Speech(random: Random, troubles: Troubles) {
    val pieces = List(random.nextInt(6)) { Piece(random, troubles) }
    val length = pieces.sumOf { it.length }
    val pauseBeforeEnd = pause(random)
    val ear = Ear.entries.random(random)
    val room = 1 + random.nextInt(1500)
    val patience = (500 + random.nextInt(3000)).microseconds

    /** Whether the end has been said, or is about to be. */
    @Volatile var isOver = false
}

/** A connection of a program, as both its sides know it. */
internal class Plan(random: Random, val number: Int, val troubles: Troubles, val isRelayed: Boolean) {
    val moment = random.nextInt(40_000).microseconds
    /** At which attempt of a read or a write it is closed, while that goes on; null for at its moment. */
    val closesAt = if (random.nextBoolean()) null else random.nextInt(8)
    /** How many reads and writes have been given up, or timed out. */
    val interrupted = AtomicLong()
    private val speeches = List(2) { Speech(random, troubles) }

    fun speech(direction: Int): Speech = speeches[direction]

    /** What goes over it in both directions, with its number. */
    val length = 1 + speeches.sumOf { it.length }.toLong()

    fun bytes(direction: Int, place: Int, length: Int): ByteArray = ByteArray(length) { byteAt(direction, place + it) }

    /** What is at a place of the stream of a direction. */
    fun byteAt(direction: Int, place: Int): Byte = (place * 31 + number * 7 + direction + place / 256).toByte()
}

internal const val UP = 0
internal const val DOWN = 1
