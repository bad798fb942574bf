package io.netpark.core.loop;

import io.netpark.core.report.LastResort;
import io.netpark.core.sys.Errno;
import io.netpark.core.sys.NetparkException;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.CodeSource;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Loads what is needed when things go wrong before they do. A class in a folder, where a build tool or an IDE has put it, is
 * a file that is opened when the class is first used, and there may be no descriptor for it then; a jar is open already. A
 * static initializer that finds no memory fails for good.
 *
 * <p>For Netpark's own adapters.
 */
public final class ErrorPaths {

    private static final Set<String> LOADED = ConcurrentHashMap.newKeySet();

    private ErrorPaths() {}

    /** Loads the classes of core; a group that opens calls it. */
    static void prepare() {
        load(EventLoop.class, "io.netpark.core");
        for (int errno : new int[] {Errno.EMFILE, Errno.ENOMEM, Errno.ECONNRESET, Errno.ETIMEDOUT, Errno.ECONNREFUSED}) {
            NetparkException.of(errno, "");
        }
        LastResort.prepare();
        Reports.prepare();
    }

    /**
     * Loads all classes of a package and of those below it that lie in the same folder as one of them, once; does nothing if
     * that comes from a jar or a runtime image. For code on paths where descriptors may have run out: accepting,
     * dialing, refusing, reporting. What cannot be loaded, because it is for another JDK or needs a library that is not there,
     * is passed over.
     */
    public static void load(Class<?> one, String topPackage) {
        if (!LOADED.add(topPackage)) {
            return;
        }
        Path root = folderOf(one);
        if (root == null) {
            return;
        }
        Path top = root.resolve(topPackage.replace('.', '/'));
        try (Stream<Path> files = Files.walk(top)) {
            List<String> names = files.map(file -> root.relativize(file).toString())
                    .filter(name -> name.endsWith(".class"))
                    .map(name -> name.substring(0, name.length() - ".class".length()).replace('/', '.'))
                    .toList();
            names.forEach(name -> load(name, one.getClassLoader()));
        } catch (IOException | RuntimeException e) {
            // They are loaded when they are needed.
        }
    }

    private static @Nullable Path folderOf(Class<?> one) {
        try {
            CodeSource source = one.getProtectionDomain().getCodeSource();
            if (source == null || source.getLocation() == null || !"file".equals(source.getLocation().getProtocol())) {
                return null;
            }
            Path path = Path.of(source.getLocation().toURI());
            return Files.isDirectory(path) ? path : null;
        } catch (URISyntaxException | RuntimeException e) {
            return null;
        }
    }

    private static void load(String name, ClassLoader loader) {
        try {
            Class.forName(name, false, loader);
        } catch (ClassNotFoundException | LinkageError e) {
            // Of an optional part.
        }
    }
}
