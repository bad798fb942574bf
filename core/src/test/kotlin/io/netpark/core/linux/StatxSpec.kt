package io.netpark.core.linux

import io.kotest.engine.spec.tempfile
import io.kotest.matchers.shouldBe
import io.netpark.core.memory.NativeMemory
import io.netpark.core.testing.Bindings
import io.netpark.core.testing.NetparkSpec
import java.nio.file.Files

/** What else statx(2) says is in the contract of LibC; this is what only the JDK can confirm. */
class StatxSpec : NetparkSpec(body = {
    val file = tempfile()
    val name = NativeMemory.allocate(file.path.toByteArray().size + 1).apply { buffer().put(0, file.path.toByteArray()) }
    val status = NativeMemory.allocate(Statx.SIZE)

    for (libc in Bindings.all) {
        test("${libc.binding()}: a file has the device and the inode that the JDK says") {
            val mask = Linux.STATX_TYPE or Linux.STATX_INO
            libc.statx(Linux.AT_FDCWD, name.address(), Linux.AT_SYMLINK_NOFOLLOW, mask, status.address()) shouldBe 0
            Statx.inode(status.buffer(), 0) shouldBe Files.getAttribute(file.toPath(), "unix:ino")
            val device = Files.getAttribute(file.toPath(), "unix:dev") as Long
            val major = (device ushr 8 and 0xfff) or (device ushr 32 and 0xfffff000)
            val minor = (device and 0xff) or (device ushr 12 and 0xffffff00)
            Statx.device(status.buffer(), 0) shouldBe (minor shl 32 or major)
        }
    }
})
