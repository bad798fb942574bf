package io.netpark.samples

import io.kotest.matchers.shouldBe
import io.netpark.core.loop.EventLoopGroup
import io.netpark.core.sys.Binding
import io.netpark.core.sys.Errno
import io.netpark.core.sys.LibC
import java.lang.reflect.InvocationTargetException
import java.lang.reflect.Proxy

class LoopsLostSpec : SampleSpec({
    /** A kernel that has lost its epoll descriptors. */
    val libc = Proxy.newProxyInstance(LibC::class.java.classLoader, arrayOf(LibC::class.java)) { _, method, arguments ->
        if (method.name.startsWith("epollWait") || method.name.startsWith("epollPwait")) {
            -Errno.EBADF
        } else {
            try {
                method.invoke(Binding.defaultLibC(), *(arguments ?: emptyArray()))
            } catch (e: InvocationTargetException) {
                throw e.targetException
            }
        }
    } as LibC

    fun open(libc: LibC) = EventLoopGroup.builder().loops(2).daemon(true).libc(libc).reporter { _, _ -> }.open()

    test("event loops that end by a failure leave an exit status that says so") {
        open(libc).use { statusOfLoops(it) shouldBe 1 }
    }

    test("event loops that are closed leave none") {
        open(Binding.defaultLibC()).let {
            it.close()
            statusOfLoops(it) shouldBe null
        }
    }
})
