import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.ServiceLoader;
import java.util.Set;
import org.jetbrains.kotlin.abi.tools.AbiFilters;
import org.jetbrains.kotlin.abi.tools.AbiToolsFactory;

/** Prints the public binary interface of compiled Kotlin in the usual `.api` form. */
public final class AbiDump {
    public static void main(String[] args) throws Exception {
        List<File> classes;
        try (var files = Files.walk(Path.of(args[0]))) {
            classes = files.filter(file -> file.toString().endsWith(".class")).sorted().map(Path::toFile).toList();
        }
        var tools = ServiceLoader.load(AbiToolsFactory.class).iterator().next().get();
        var out = new StringBuilder();
        tools.printJvmDump(out, classes, new AbiFilters(Set.of(), Set.of(), Set.of(), Set.of()));
        System.out.print(out);
    }
}
