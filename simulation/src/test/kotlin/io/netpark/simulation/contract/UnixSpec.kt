package io.netpark.simulation.contract

import io.kotest.matchers.ints.shouldBeGreaterThan
import io.kotest.matchers.shouldBe
import io.kotest.matchers.shouldNotBe
import io.netpark.core.linux.Linux
import io.netpark.core.linux.Statx
import io.netpark.core.sys.Errno
import io.netpark.core.sys.UnixAddress

private fun Caller.isSocket(path: String): Boolean {
    val status = memory(Statx.SIZE)
    libc.statx(Linux.AT_FDCWD, name(path), Linux.AT_SYMLINK_NOFOLLOW, Linux.STATX_TYPE, status.address()) shouldBe 0
    return Statx.isSocket(status.buffer(), 0)
}

private var names = 0

/** A name that no other socket of this machine has. */
private fun abstractName() = UnixAddress.abstractName("netpark contract ${ProcessHandle.current().pid()} ${names++}")

/** unix(7): names and files of sockets, and who is at the other end. */
class UnixSpec : ContractSpec({
    contract("a path becomes a file of a socket, which stays when the socket is closed") {
        val path = freePath()
        val fd = socket(Family.UNIX)
        bind(fd, path) shouldBe 0
        localAddress(fd) shouldBe path
        isSocket(path.toString().removePrefix("unix:")) shouldBe true
        close(fd)
        isSocket(path.toString().removePrefix("unix:")) shouldBe true
        bind(socket(Family.UNIX), path) shouldFailWith Errno.EADDRINUSE
        libc.unlink(name(path.toString().removePrefix("unix:"))) shouldBe 0
        bind(socket(Family.UNIX), path) shouldBe 0
    }

    contract("a path where nobody listens refuses, a path where nothing is is ENOENT") {
        val path = freePath()
        connect(socket(Family.UNIX), path) shouldFailWith Errno.ENOENT
        val bound = socket(Family.UNIX)
        bind(bound, path) shouldBe 0
        connect(socket(Family.UNIX), path) shouldFailWith Errno.ECONNREFUSED
        libc.listen(bound, 1) shouldBe 0
        connect(socket(Family.UNIX), path) shouldBe 0
        close(bound)
        connect(socket(Family.UNIX), path) shouldFailWith Errno.ECONNREFUSED
        connect(socket(Family.UNIX), UnixAddress.path("${kernel.folder}/no/where")) shouldFailWith Errno.ENOENT
    }

    contract("a path in a folder that is not there cannot be bound to", Feature.FOLDERS) {
        bind(socket(Family.UNIX), UnixAddress.path("${kernel.folder}/no/where")) shouldFailWith Errno.ENOENT
    }

    contract("a file that is no socket refuses, and cannot be bound to") {
        val path = UnixAddress.path(kernel.file("plain", ByteArray(1)))
        connect(socket(Family.UNIX), path) shouldFailWith Errno.ECONNREFUSED
        bind(socket(Family.UNIX), path) shouldFailWith Errno.EADDRINUSE
    }

    contract("a file that is removed takes nothing from connections, but nobody finds the listener") {
        val listener = listener(Family.UNIX)
        val path = localAddress(listener)
        val client = dial(Family.UNIX, listener)
        libc.unlink(name(path.toString().removePrefix("unix:"))) shouldBe 0
        connect(socket(Family.UNIX), path) shouldFailWith Errno.ENOENT
        send(client, "x") shouldBe 1
        receive(accept(listener)) shouldBe 1
    }

    contract("an abstract name is no file, and is free when its socket is closed") {
        val name = abstractName()
        val listener = socket(Family.UNIX)
        bind(listener, name) shouldBe 0
        localAddress(listener) shouldBe name
        bind(socket(Family.UNIX), name) shouldFailWith Errno.EADDRINUSE
        libc.listen(listener, 1) shouldBe 0
        val client = dial(Family.UNIX, listener)
        peerAddress(client) shouldBe name
        close(listener)
        connect(socket(Family.UNIX), name) shouldFailWith Errno.ECONNREFUSED
        bind(socket(Family.UNIX), name) shouldBe 0
    }

    contract("abstract names are told apart by their length, and may have zeros") {
        val name = abstractName()
        val longer = UnixAddress.abstractName(String(name.name().drop(1).toByteArray()) + "\u0000")
        for (each in listOf(name, longer)) {
            val fd = socket(Family.UNIX)
            bind(fd, each) shouldBe 0
            localAddress(fd) shouldBe each
        }
    }

    contract("bound to nothing, a socket gets an abstract name") {
        val (first, second) = List(2) { socket(Family.UNIX).also { fd -> bind(fd, UnixAddress.UNNAMED) shouldBe 0 } }
        (localAddress(first) as UnixAddress).isAbstract shouldBe true
        localAddress(second) shouldNotBe localAddress(first)
    }

    contract("a client that is not bound, and a socket pair, have no names") {
        val listener = listener(Family.UNIX)
        val client = dial(Family.UNIX, listener)
        localAddress(client) shouldBe UnixAddress.UNNAMED
        peerAddress(accept(listener)) shouldBe UnixAddress.UNNAMED
        val (left, _) = socketPair()
        localAddress(left) shouldBe UnixAddress.UNNAMED
        peerAddress(left) shouldBe UnixAddress.UNNAMED
    }

    contract("a client that is bound is known by its name") {
        val listener = listener(Family.UNIX)
        val client = socket(Family.UNIX)
        val path = freePath()
        bind(client, path) shouldBe 0
        connect(client, localAddress(listener)) shouldBe 0
        peerAddress(accept(listener)) shouldBe path
    }

    contract("sockets of two types do not meet: EPROTOTYPE") {
        val listener = listener(Family.UNIX)
        connect(socket(Family.UNIX, Linux.SOCK_DGRAM), localAddress(listener)) shouldFailWith Errno.EPROTOTYPE
        connect(socket(Family.UNIX, Linux.SOCK_SEQPACKET), localAddress(listener)) shouldFailWith Errno.EPROTOTYPE
    }

    contract("SO_PEERCRED says which process and user is at the other end") {
        fun credentials(fd: Int): List<Int> {
            val value = memory(12)
            val length = memory(4).apply { buffer().putInt(0, 12) }
            libc.getsockopt(fd, Linux.SOL_SOCKET, Linux.SO_PEERCRED, value.address(), length.address()) shouldBe 0
            length.buffer().getInt(0) shouldBe 12
            return List(3) { value.buffer().getInt(it * 4) }
        }
        val (left, right) = socketPair()
        val (client, server) = connection(Family.UNIX)
        credentials(left)[0] shouldBeGreaterThan 0
        for (fd in listOf(right, client, server)) credentials(fd) shouldBe credentials(left)
        credentials(socket(Family.UNIX)) shouldBe listOf(0, -1, -1)
    }

    contract("a connection of sequenced packets keeps the boundaries of messages, and ends") {
        val (left, right) = socketPair(Linux.SOCK_SEQPACKET)
        send(left, "first") shouldBe 5
        send(left, "second") shouldBe 6
        receiveText(right) shouldBe "first"
        val cut = receiveMessage(right, 3)
        cut.text to (cut.flags and Linux.MSG_TRUNC) shouldBe ("sec" to Linux.MSG_TRUNC)
        receive(right) shouldFailWith Errno.EAGAIN
        send(right, "back") shouldBe 4
        close(right)
        receiveText(left) shouldBe "back"
        receive(left) shouldBe 0
        send(left, "x") shouldFailWith Errno.EPIPE
    }
})
