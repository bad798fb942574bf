package io.netpark.core.testing

import io.netpark.core.poll.Poller
import io.netpark.core.sys.Binding
import io.netpark.core.sys.LibC
import io.netpark.core.testing.tls.Wire
import java.util.ServiceLoader

/** A C library of another kind, on which a module above runs specs of this one: a service. */
fun interface OtherLibC {
    fun open(): LibC
}

/** The bindings that work on the running JDK, each opened once; or, with `-Dnetpark.test.libc=other`, what the services have. */
object Bindings {
    val all: List<LibC> =
        if (System.getProperty("netpark.test.libc") == "other") {
            ServiceLoader.load(OtherLibC::class.java).map { it.open() }
        } else {
            Binding.entries.filter { it.unavailability() == null }.map { it.open() }
        }

    /** The one a user would get. */
    val best: LibC = all.last()
}

/** A kind of poller by name. */
class PollerKind(private val name: String, val factory: Poller.Factory) {
    override fun toString() = name

    companion object {
        val EPOLL = PollerKind("epoll", Poller.EPOLL)
        val POLL = PollerKind("poll", Poller.POLL)
        val all = listOf(EPOLL, POLL)
    }
}

/** A binding and a poller, on which a contract suite runs, and how the bytes of connections travel. */
class Flavour(val libc: LibC, val poller: PollerKind, val wire: Wire = Wire.PLAIN) {
    override fun toString() = "${libc.binding()} $poller" + if (wire == Wire.PLAIN) "" else " $wire"

    companion object {
        val all: List<Flavour> =
            if (Wire.ofThisRun == Wire.PLAIN) {
                Bindings.all.flatMap { libc -> PollerKind.all.map { Flavour(libc, it) } }
            } else { // which is the same on every binding
                PollerKind.all.map { Flavour(Bindings.best, it, Wire.ofThisRun) } +
                    listOf(Flavour(Bindings.best, PollerKind.EPOLL, Wire.TLS_1_2)).filter { it.wire != Wire.ofThisRun }
            }

        /** For suites that take long: over TLS one is enough for them. */
        val few: List<Flavour> = if (Wire.ofThisRun == Wire.PLAIN) all else all.take(1)
    }
}
