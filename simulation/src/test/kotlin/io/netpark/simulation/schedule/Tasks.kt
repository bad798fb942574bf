package io.netpark.simulation.schedule

import java.util.concurrent.Executors

/** Runs [body] in the schedule; what it passes on runs on other threads, as a part of it. */
fun Schedule.withTasks(body: ((() -> Unit) -> Unit) -> Unit) {
    val threads = Executors.newCachedThreadPool { Thread(it).apply { isDaemon = true } }
    try {
        val executor = over(threads)
        run { body { task -> executor.execute(task) } }
    } finally {
        threads.shutdown()
    }
}
