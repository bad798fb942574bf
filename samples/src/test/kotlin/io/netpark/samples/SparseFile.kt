package io.netpark.samples

import java.nio.ByteBuffer
import java.nio.channels.FileChannel
import java.nio.file.Path
import java.nio.file.StandardOpenOption.CREATE_NEW
import java.nio.file.StandardOpenOption.WRITE
import kotlin.io.path.fileSize
import kotlin.random.Random

/** Makes a file of holes, but for 1000 random bytes at each of these places and at its end; the place is their seed. */
internal fun createSparse(file: Path, size: Long, vararg places: Long) {
    FileChannel.open(file, CREATE_NEW, WRITE).use { channel ->
        for (at in places.toList() + (size - 1000)) channel.write(ByteBuffer.wrap(Random(at).nextBytes(1000)), at)
    }
    check(file.fileSize() == size) { "$file has ${file.fileSize()} bytes, and should have $size" }
}
