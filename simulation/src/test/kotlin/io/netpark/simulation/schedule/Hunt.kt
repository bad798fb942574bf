package io.netpark.simulation.schedule

import java.util.concurrent.Executors
import java.util.concurrent.TimeUnit
import java.util.function.LongConsumer

/** After so long a program is taken to hang, by the clock of the system. A stuck one says so itself. */
private val HANGS = TimeUnit.SECONDS.toNanos(60)

/** Thrown in place of a program: there are no more. */
internal class NoMorePrograms : RuntimeException()

/** All orders of one small program after the other. It says what they have done. */
internal class SomeOrders : LongConsumer {
    private val threads = Executors.newCachedThreadPool { Thread(it).apply { isDaemon = true } }
    private var orders = 0L
    private var calls = 0L
    private var decisions = 0L

    override fun accept(number: Long) {
        val program = SmallProgram.entries.getOrNull(number.toInt() - 1) ?: throw NoMorePrograms()
        val begun = mutableListOf<Schedule>()
        var order = 0L
        try {
            program.explore(threads) { schedule ->
                order++
                count(begun)
                begun += schedule
            }
        } catch (e: Throwable) {
            throw AssertionError("by $program, order $order: ${e.javaClass.simpleName}", e)
        } finally {
            orders += order
            count(begun)
        }
    }

    /** Those that are over. */
    private fun count(schedules: MutableList<Schedule>) {
        calls += schedules.sumOf { it.trace().count() }
        decisions += schedules.sumOf { it.decisions() }
        schedules.clear()
    }

    override fun toString() = "$orders orders, $calls calls, $decisions decisions, 0 faults"
}

/**
 * Runs programs of rising numbers until so many have failed, there are no more, or the time is over. `hunt` starts it, and reads what it
 * prints: a line for each that has failed, and one with sums, the units of which come from the class.
 *
 * Arguments: the name of a class that takes a number and runs its program; for how many seconds; the first number; how far it is to the
 * next; after how many failures it ends.
 */
fun main(arguments: Array<String>) {
    val (name, seconds, first, step, most) = arguments
    val hunted = Class.forName(name).getDeclaredConstructor().apply { isAccessible = true }.newInstance() as LongConsumer
    val begin = System.nanoTime()
    val lock = Any()
    var number = first.toLong()
    var count = 0L
    var lastBegun = begin
    val red = mutableListOf<String>()
    val hunter = Thread {
        val end = begin + TimeUnit.SECONDS.toNanos(seconds.toLong())
        while (System.nanoTime() - end < 0 && red.size < most.toInt()) {
            synchronized(lock) { lastBegun = System.nanoTime() }
            val failure = try {
                hunted.accept(number)
                null
            } catch (_: NoMorePrograms) {
                break
            } catch (e: Throwable) {
                e.printStackTrace()
                "$number, ${e.javaClass.simpleName}: ${e.message.orEmpty().lineSequence().first()}"
            }
            synchronized(lock) {
                failure?.let { red += it }
                count++
                number += step.toLong()
            }
        }
    }
    hunter.isDaemon = true
    hunter.start()
    var hangs = false
    while (hunter.isAlive && !hangs) {
        hunter.join(TimeUnit.SECONDS.toMillis(1))
        synchronized(lock) { hangs = hunter.isAlive && System.nanoTime() - lastBegun > HANGS }
    }
    synchronized(lock) {
        if (hangs) red += "$number, it hangs"
        red.forEach { println("red $it") }
        val millis = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - begin)
        println("sum $count programs, ${red.size} red, $millis ms, $hunted")
    }
    System.out.flush()
    Runtime.getRuntime().halt(if (red.isEmpty()) 0 else 1)
}
