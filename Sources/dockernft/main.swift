print("dockernft")
