package io.netpark.core.loop

import kotlin.concurrent.thread
import kotlin.system.exitProcess

/** Exits on a loop, with a shutdown hook that closes the group. For a JVM of its own. */
fun main() {
    val group = EventLoopGroup.builder().loops(2).open()
    Runtime.getRuntime().addShutdownHook(thread(start = false) {
        group.close()
        println("closed; the other loop has ended: ${group.loops()[1].isTerminated}")
    })
    group.first().execute { exitProcess(7) }
}
