package io.netpark.simulation.schedule

import io.netpark.core.fd.Descriptor
import io.netpark.core.fd.Direction
import io.netpark.core.fd.Waiter
import io.netpark.core.net.listening.ListenerDescriptor
import io.netpark.core.net.streams.ConnectionDescriptor
import java.nio.ByteBuffer

/** Says whether it has been run. */
class Woken : Waiter {
    @Volatile
    var isSo = false

    override fun run() {
        isSo = true
    }
}

/** Waits in the schedule until there is reason to retry what has returned PARK. */
fun Schedule.park(descriptor: Descriptor, direction: Direction) {
    val waiter = Woken()
    if (descriptor.park(direction, waiter)) await { waiter.isSo }
}

fun Schedule.perform(descriptor: Descriptor, direction: Direction, start: () -> Int, retry: () -> Int): Int {
    var outcome = start()
    while (outcome == Descriptor.PARK) {
        park(descriptor, direction)
        outcome = retry()
    }
    return outcome
}

fun Schedule.read(connection: ConnectionDescriptor, target: ByteBuffer): Int =
    perform(connection, Direction.READ, { connection.startRead(target) }, { connection.retryRead(target) })

fun Schedule.write(connection: ConnectionDescriptor, source: ByteBuffer) {
    perform(connection, Direction.WRITE, { connection.startWrite(source) }, { connection.retryWrite(source) })
}

/** Gathered. */
fun Schedule.write(connection: ConnectionDescriptor, sources: Array<ByteBuffer>) {
    perform(connection, Direction.WRITE, { connection.startWrite(sources) }, { connection.retryWrite(sources) })
}

fun Schedule.accept(listener: ListenerDescriptor): ConnectionDescriptor {
    var accepted = listener.startAccept()
    while (accepted == null) {
        park(listener, Direction.READ)
        accepted = listener.retryAccept()
    }
    return accepted
}
