package io.netpark.core.testing.fault;

import io.netpark.core.heap.Block;
import io.netpark.core.sys.LibC;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;

/** Calls that are made, and counted by the names of their methods. */
public final class CountedCalls implements Calls {

    private final Map<String, AtomicInteger> counts = new ConcurrentHashMap<>();
    private final LibC libc;

    /** Of a program on a kernel. */
    public CountedCalls(LibC kernel) {
        this.libc = (LibC) Proxy.newProxyInstance(CountedCalls.class.getClassLoader(), new Class<?>[] {LibC.class},
                (proxy, called, arguments) -> {
                    count(called.getName());
                    try {
                        return called.invoke(kernel, arguments);
                    } catch (InvocationTargetException e) {
                        throw e.getTargetException();
                    }
                });
    }

    @Override
    public LibC libc() {
        return libc;
    }

    @Override
    public Block allocate(int size) {
        count(MEMORY);
        return Block.allocate(size);
    }

    private void count(String call) {
        counts.computeIfAbsent(call, name -> new AtomicInteger()).incrementAndGet();
    }

    /** How often each call has been made. */
    public Map<String, Integer> counts() {
        Map<String, Integer> counted = new TreeMap<>();
        counts.forEach((call, count) -> counted.put(call, count.get()));
        return counted;
    }
}
