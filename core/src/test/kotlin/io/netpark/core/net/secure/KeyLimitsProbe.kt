package io.netpark.core.net.secure

import io.netpark.core.testing.TestReactor
import io.netpark.core.testing.async
import io.netpark.core.testing.noise
import io.netpark.core.testing.tls.EngineFlavour
import io.netpark.core.testing.tls.TlsEnds
import io.netpark.core.testing.tls.awaitTls
import io.netpark.core.testing.tls.beginTls
import io.netpark.core.testing.tls.tcpPair
import io.netpark.core.testing.use
import io.netpark.core.testing.writeInPieces

/** Data both ways at once in a JVM whose keys are updated after a few records. */
fun main(arguments: Array<String>) {
    val size = arguments[0].toInt()
    TestReactor(loops = 2).use { reactor ->
        reactor.tcpPair().use { one, other ->
            one.beginTls(TlsEnds.server(EngineFlavour.JDK, "TLSv1.3"))
            other.beginTls(TlsEnds.client(EngineFlavour.JDK, "TLSv1.3"))
            one.awaitTls()
            other.awaitTls()
            val there = noise(size, 1)
            val back = noise(size, 2)
            val writing = listOf(async { one.writeInPieces(there, 3) }, async { other.writeInPieces(back, 4) })
            val reading = async { other.readFully(size) }
            check(one.readFully(size).contentEquals(back))
            check(reading.get().contentEquals(there))
            writing.forEach { it.get() }
            one.connection.shutdownOutput()
            check(other.readIsAtEnd())
        }
    }
    println("all has come")
}
