package greeting;

import java.lang.ref.WeakReference;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Path;
import java.util.List;

/** Two class loaders that have a library each. One of them goes while the other is in use, as a container redeploys one of its services. */
public final class Loaders {

    private static final int MOST_LOOKS = 200;

    private Loaders() {}

    public static void main(String[] classPath) throws Exception {
        URLClassLoader stays = loader(classPath);
        greet(stays);
        WeakReference<ClassLoader> goes = new WeakReference<>(greet(loader(classPath)));
        for (int collection = 0; collection < MOST_LOOKS && !goes.refersTo(null); collection++) {
            System.gc();
            Thread.sleep(10);
        }
        System.out.println(goes.refersTo(null) ? "unloaded" : "still loaded");
        greet(stays);
        List<String> threads = threads();
        for (int look = 0; look < MOST_LOOKS && !threads.isEmpty(); look++) {
            Thread.sleep(10); // a loop that has ended may not have left its thread yet
            threads = threads();
        }
        System.out.println("threads left: " + threads);
    }

    private static List<String> threads() {
        return Thread.getAllStackTraces().keySet().stream().map(Thread::getName).filter(name -> name.startsWith("netpark")).sorted().toList();
    }

    private static URLClassLoader loader(String[] classPath) throws Exception {
        URL[] urls = new URL[classPath.length];
        for (int index = 0; index < urls.length; index++) {
            urls[index] = Path.of(classPath[index]).toUri().toURL();
        }
        return new URLClassLoader(urls, ClassLoader.getPlatformClassLoader());
    }

    private static ClassLoader greet(ClassLoader loader) throws Exception {
        loader.loadClass("greeting.Greeting").getMethod("main", String[].class).invoke(null, (Object) new String[0]);
        return loader;
    }
}
