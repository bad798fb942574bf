package io.netpark.simulation.schedule

import java.util.concurrent.Executors
import java.util.concurrent.TimeUnit
import java.util.function.LongConsumer

/** After so long a program is taken to hang, by the clock of the system. A stuck one says so itself. */
private val HANGS = TimeUnit.SECONDS.toNanos(60)

/** All orders of one small program after the other. It says how many there were. */
internal class SomeOrders : LongConsumer {
    private val threads = Executors.newCachedThreadPool { Thread(it).apply { isDaemon = true } }
    private var orders = 0L

    override fun accept(number: Long) {
        val program = SmallProgram.entries.getOrNull(number.toInt() - 1) ?: throw NoSuchElementException()
        var order = 0L
        try {
            program.explore(threads) { order++ }
        } catch (e: Throwable) {
            throw AssertionError("by $program, order $order: ${e.javaClass.simpleName}", e)
        } finally {
            orders += order
        }
    }

    override fun toString() = "$orders orders"
}

/**
 * Runs programs of rising numbers until one fails, there are no more, or the time is over, and says how many that were. `hunt` starts it.
 *
 * Arguments: the name of a class that takes a number and runs its program; for how many seconds; the first number.
 */
fun main(arguments: Array<String>) {
    val (name, seconds, first) = arguments
    val hunted = Class.forName(name).getDeclaredConstructor().apply { isAccessible = true }.newInstance() as LongConsumer
    val begin = System.nanoTime()
    var count = 0L
    var ending: String? = null
    var lastBegun = begin
    val lock = Any()
    val hunter = Thread {
        val end = begin + TimeUnit.SECONDS.toNanos(seconds.toLong())
        var told = "nothing found"
        try {
            while (System.nanoTime() - end < 0) {
                synchronized(lock) { lastBegun = System.nanoTime() }
                hunted.accept(first.toLong() + count)
                synchronized(lock) { count++ }
            }
        } catch (_: NoSuchElementException) {
            // That was the last.
        } catch (e: Throwable) {
            told = "found by number ${first.toLong() + count}, ${e.javaClass.simpleName}: ${e.message.orEmpty().lineSequence().first()}"
            e.printStackTrace()
        }
        synchronized(lock) { ending = told }
    }
    hunter.isDaemon = true
    hunter.start()
    while (hunter.isAlive) {
        hunter.join(TimeUnit.SECONDS.toMillis(1))
        synchronized(lock) {
            if (ending == null && System.nanoTime() - lastBegun > HANGS) ending = "found by number ${first.toLong() + count}: it hangs"
        }
        if (ending != null) break
    }
    val millis = maxOf(1, TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - begin))
    println("$ending; $count programs in ${millis / 1000} s, ${count * 1000 / millis} a second, $hunted")
    System.out.flush()
    Runtime.getRuntime().halt(if (ending == "nothing found") 0 else 1)
}
