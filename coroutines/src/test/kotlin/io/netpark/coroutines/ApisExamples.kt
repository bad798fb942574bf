package io.netpark.coroutines

import io.netpark.core.net.serving.Shutdown
import kotlinx.coroutines.Job
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.launch
import java.util.concurrent.ConcurrentHashMap
import kotlin.time.Duration.Companion.minutes
import kotlin.time.Duration.Companion.seconds

// The protocol of docs/apis.md with coroutines; ApisSpec compares them, and runs it.

/** Serves until [end] completes, and then lets requests finish for up to twenty seconds. */
suspend fun keyValues(listener: Listener, end: Job): Shutdown.Report = coroutineScope {
    val values = ConcurrentHashMap<String, String>()
    launch { listener.serve { connection -> serve(connection, values) } }
    end.join()
    listener.shutdown(Shutdown(finish = 20.seconds, flush = 2.seconds))
}

suspend fun serve(connection: Connection, values: MutableMap<String, String>) {
    connection.readTimeout = 1.minutes
    connection.writeTimeout = 10.seconds
    while (connection.awaitRequest()) { // false at the end, and when the server shuts down
        val line = connection.reader.awaitLine(limit = 1_000) ?: return
        connection.writer.putString(answer(line, values) + "\n")
        connection.writer.flush()
    }
}

fun answer(line: String, values: MutableMap<String, String>): String {
    val words = line.split(' ', limit = 3)
    return when {
        words.size == 2 && words[0] == "get" -> values[words[1]] ?: "none"
        words.size == 3 && words[0] == "set" -> "ok".also { values[words[1]] = words[2] }
        else -> "error: get KEY, or set KEY VALUE"
    }
}
