package io.netpark.bench.report;

import io.netpark.bench.machine.Measured;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.ToDoubleFunction;
import org.jspecify.annotations.Nullable;

/** A few numbers: their median and how sure it is, as text. */
public final class Numbers {

    private final double[] sorted;
    /** The same, apart for each process that they were measured in. */
    private final double[][] lives;

    /** Ends of the median's interval, once somebody has asked. */
    private double @Nullable [] interval;

    private Numbers(double[] sorted, double[][] lives) {
        this.sorted = sorted;
        this.lives = lives;
    }

    /** What a function makes of each element; those of each life apart, if they know theirs. */
    public static <T> Numbers of(List<T> elements, ToDoubleFunction<T> function) {
        Map<Integer, List<Double>> lives = new TreeMap<>();
        for (T element : elements) {
            int life = element instanceof Measured measured ? measured.life() : 0;
            lives.computeIfAbsent(life, first -> new ArrayList<>()).add(function.applyAsDouble(element));
        }
        return ofLives(lives.values());
    }

    /** What was measured in processes one after the other: a list each. */
    static Numbers ofLives(Collection<List<Double>> lives) {
        double[][] each = lives.stream()
                .map(life -> life.stream().mapToDouble(Double::doubleValue).filter(value -> !Double.isNaN(value)).toArray())
                .filter(life -> life.length > 0).toArray(double[][]::new);
        return new Numbers(Arrays.stream(each).flatMapToDouble(Arrays::stream).sorted().toArray(), each);
    }

    /** The one in the middle, or the mean of the two in the middle; NaN of nothing. */
    public double median() {
        int middle = sorted.length / 2;
        if (sorted.length == 0) {
            return Double.NaN;
        }
        return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }

    /** The median. */
    public String text(int decimals) {
        return text(median(), decimals);
    }

    /** The median and its 95 % interval. */
    public String interval(int decimals) {
        return sorted.length == 0 ? "–" : text(decimals) + " [" + text(low(), decimals) + ", " + text(high(), decimals) + "]";
    }

    /** Lower end of the median's 95 % interval; NaN of nothing. */
    public double low() {
        return interval()[0];
    }

    /** Upper end of the median's 95 % interval; NaN of nothing. */
    public double high() {
        return interval()[1];
    }

    private double[] interval() {
        double[] known = interval;
        if (known == null) {
            known = sorted.length == 0 ? new double[] {Double.NaN, Double.NaN} : Bootstrap.interval(lives);
            interval = known;
        }
        return known;
    }

    /** Whether both medians can be the same: their intervals have something in common. */
    public boolean overlaps(Numbers other) {
        return low() <= other.high() && other.low() <= high();
    }

    /** A number with so many decimals; a dash for none. */
    public static String text(double value, int decimals) {
        return Double.isNaN(value) ? "–" : String.format(Locale.ROOT, "%,." + decimals + "f", value).replace(',', ' ');
    }
}
