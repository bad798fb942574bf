package io.netpark.core.testing

import io.kotest.matchers.shouldBe
import io.netpark.core.fd.Descriptor
import io.netpark.core.fd.Direction
import io.netpark.core.net.files.FileTransfer
import java.io.IOException
import java.nio.file.Files
import java.nio.file.Path

/** How many descriptors of this process are of this file. */
fun openDescriptorsOf(file: Path): Int = Files.list(Path.of("/proc/self/fd")).use { entries ->
    entries.filter { entry ->
        try {
            Files.readSymbolicLink(entry) == file.toRealPath()
        } catch (_: IOException) {
            false // closed since it was listed
        }
    }.count().toInt()
}

/** Sends all of it, as a thread sees that. */
fun BlockingConnection.send(transfer: FileTransfer) {
    var outcome = connection.startSend(transfer)
    while (outcome != 0) {
        outcome shouldBe Descriptor.PARK
        connection.parkThread(Direction.WRITE)
        outcome = connection.retrySend(transfer)
    }
}
