package greeting;

import java.lang.ref.WeakReference;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Set;

/**
 * Two class loaders that have a library each. One of them goes while the other is in use, as a container redeploys one of its services.
 * The class path is that of both, or that of the one that stays, {@code --}, and that of the one that goes.
 */
public final class Loaders {

    private static final int MOST_LOOKS = 200;

    /** Where its reference queue is asked for what is to be freed. It ends when nothing is left that could be, which never is so. */
    private static final String CLEANER_OF_JNA = "JNA Cleaner";

    private Loaders() {}

    public static void main(String[] arguments) throws Exception {
        Set<Thread> before = Thread.getAllStackTraces().keySet();
        List<String> classPath = Arrays.asList(arguments);
        int middle = classPath.indexOf("--");
        URLClassLoader stays = loader(middle < 0 ? classPath : classPath.subList(0, middle));
        greet(stays);
        WeakReference<ClassLoader> goes = new WeakReference<>(greet(loader(classPath.subList(middle + 1, classPath.size()))));
        for (int collection = 0; collection < MOST_LOOKS && !goes.refersTo(null); collection++) {
            System.gc();
            Thread.sleep(10);
        }
        System.out.println(goes.refersTo(null) ? "unloaded" : "still loaded");
        greet(stays);
        List<String> threads = since(before);
        for (int look = 0; look < MOST_LOOKS && !threads.stream().allMatch(CLEANER_OF_JNA::equals); look++) {
            Thread.sleep(10); // a loop that has ended may not have left its thread yet
            threads = since(before);
        }
        System.out.println("threads left: " + threads);
    }

    /** The threads that are new, whoever started them. Those of the JVM itself are in other groups, and come and go. */
    private static List<String> since(Set<Thread> before) {
        ThreadGroup ours = Thread.currentThread().getThreadGroup();
        return Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> !before.contains(thread) && ours.parentOf(thread.getThreadGroup()))
                .map(Thread::getName).sorted().toList();
    }

    private static URLClassLoader loader(List<String> classPath) throws Exception {
        URL[] urls = new URL[classPath.size()];
        for (int index = 0; index < urls.length; index++) {
            urls[index] = Path.of(classPath.get(index)).toUri().toURL();
        }
        return new URLClassLoader(urls, ClassLoader.getPlatformClassLoader());
    }

    /** By the library that this loader has, whose folder or jar is printed. */
    private static ClassLoader greet(ClassLoader loader) throws Exception {
        Class<?> library = loader.loadClass("io.netpark.callback.CallbackServer");
        System.out.println(Path.of(library.getProtectionDomain().getCodeSource().getLocation().toURI()).getFileName());
        loader.loadClass("greeting.Greeting").getMethod("main", String[].class).invoke(null, (Object) new String[0]);
        return loader;
    }
}
