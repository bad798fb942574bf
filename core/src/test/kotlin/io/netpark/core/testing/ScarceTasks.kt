package io.netpark.core.testing

import io.netpark.core.loop.EventLoop
import java.util.Queue

/** The queue of tasks of a loop, which has no memory for another task while it is [full]. */
class ScarceTasks(private val real: Queue<Runnable>) : Queue<Runnable> by real {
    @Volatile
    var full = false

    override fun add(element: Runnable): Boolean = if (full) throw OutOfMemoryError("for a test") else real.add(element)

    inline fun whileFull(body: () -> Unit) {
        full = true
        try {
            body()
        } finally {
            full = false
        }
    }
}

/** Has this loop take tasks by another queue, made of its own one, from which it goes on running them. */
fun <Q : Queue<Runnable>> EventLoop.queueTasksBy(other: (Queue<Runnable>) -> Q): Q {
    val field = EventLoop::class.java.getDeclaredField("tasks").apply { isAccessible = true }
    @Suppress("UNCHECKED_CAST")
    return other(field.get(this) as Queue<Runnable>).also { field.set(this, it) }
}
