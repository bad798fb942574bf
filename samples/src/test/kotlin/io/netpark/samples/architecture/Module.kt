package io.netpark.samples.architecture

import com.tngtech.archunit.ArchConfiguration
import com.tngtech.archunit.core.domain.JavaClass
import com.tngtech.archunit.core.domain.JavaClasses
import com.tngtech.archunit.core.domain.JavaModifier
import com.tngtech.archunit.core.importer.ClassFileImporter
import java.lang.module.ModuleFinder
import java.nio.file.Path
import java.util.jar.JarFile
import kotlin.io.path.isDirectory

/** A module of Netpark, as this build has made it: a folder of classes, or a jar. */
class Module(anyClass: Class<*>) {
    val path: Path = Path.of(anyClass.protectionDomain.codeSource.location.toURI())

    val classes: JavaClasses by lazy {
        ArchConfiguration.get().setResolveMissingDependenciesFromClassPath(false) // what is not Netpark's needs only a name
        ClassFileImporter().run { if (path.isDirectory()) importPath(path) else importJar(JarFile(path.toFile())) }
    }

    /** Packages that are not for everybody. */
    val inner: Set<String> by lazy {
        val descriptor = ModuleFinder.of(path).findAll().single().descriptor()
        descriptor.packages() - descriptor.exports().filter { !it.isQualified }.map { it.source() }.toSet()
    }
}

/** Whether users of its package can name it. */
fun JavaClass.isShown(): Boolean = generateSequence(this) { it.enclosingClass.orElse(null) }.all { isOpen(it.modifiers) }

/** Whether users can reach what has these modifiers, if they reach the class that it is in. */
fun isOpen(modifiers: Set<JavaModifier>): Boolean = JavaModifier.PUBLIC in modifiers || JavaModifier.PROTECTED in modifiers
