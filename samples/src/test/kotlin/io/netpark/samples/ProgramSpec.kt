package io.netpark.samples

import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import java.io.IOException
import java.nio.file.AccessDeniedException
import java.nio.file.DirectoryNotEmptyException
import java.nio.file.FileSystemException
import java.nio.file.NoSuchFileException

class ProgramSpec : SampleSpec({
    test("a failure of a file says what is wrong with it, also where the JDK says only its path") {
        told(AccessDeniedException("/var/log/secret")) shouldContain "/var/log/secret: permission denied"
        told(NoSuchFileException("/no/file")) shouldBe "/no/file: there is no such file"
        told(DirectoryNotEmptyException("/some/folder")) shouldBe "/some/folder: DirectoryNotEmpty"
        told(FileSystemException("/some/file", null, "Too many open files")) shouldBe "/some/file: Too many open files"
        told(IOException("connect to nowhere")) shouldBe "connect to nowhere"
        told(IOException()) shouldBe "java.io.IOException"
    }
})
